import type { WireLimits } from './limits.ts';

type Bounds = Pick<WireLimits, 'connections' | 'forNewcomers' | 'perProgram' | 'waiting'>;

/** A connection, as the admission sees it. */
export interface Member {
  /** Ends it at once. */
  crowdedOut(): void;
}

/** Sets by owner, in the order of arrival. */
class Shares<M> {
  readonly #sets = new Map<unknown, Set<M>>();
  total = 0;

  of(owner: unknown): number {
    return this.#sets.get(owner)?.size ?? 0;
  }

  add(owner: unknown, member: M): void {
    const set = this.#sets.get(owner) ?? new Set();
    this.#sets.set(owner, set.add(member));
    this.total += 1;
  }

  remove(owner: unknown, member: M): void {
    const set = this.#sets.get(owner);
    if (set?.delete(member) !== true) return;
    this.total -= 1;
    if (set.size === 0) this.#sets.delete(owner);
  }

  /** The owner of most. */
  greediest(): unknown {
    const [first] = [...this.#sets].sort(([, one], [, other]) => other.size - one.size);
    return first?.[0];
  }

  oldest(owner: unknown): M | undefined {
    const [oldest] = this.#sets.get(owner) ?? [];
    return oldest;
  }

  newest(owner: unknown): M | undefined {
    return [...(this.#sets.get(owner) ?? [])].at(-1);
  }
}

/**
 * Who may stay where there are too many connections. One that has not sent CONNECT makes room for the next, the oldest of the
 * listener with most of them first; one of a program makes room only for a program that has fewer. So a flood of one program,
 * or of connections without CONNECT, costs the others nothing.
 */
export class Admission {
  readonly #bounds: Bounds;
  /** Connections without CONNECT by listener, the others by program. */
  readonly #waiting = new Shares<Member>();
  readonly #joined = new Shares<Member>();
  readonly #places = new Map<Member, { readonly shares: Shares<Member>; readonly owner: unknown }>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#places.size;
  }

  /** A new connection of a listener. */
  enter(member: Member, listener: unknown): void {
    if (this.#waiting.of(listener) >= this.#bounds.waiting) this.#crowdOut(this.#waiting.oldest(listener));
    else if (this.size >= this.#bounds.connections) {
      this.#crowdOut(this.#waiting.oldest(this.#waiting.greediest()));
    }
    this.#put(member, this.#waiting, listener);
  }

  /** It is of this program. @returns whether it may stay */
  join(member: Member, program: string): boolean {
    const { connections, forNewcomers, perProgram } = this.#bounds;
    const own = this.#joined.of(program);
    if (own >= perProgram) return false;
    if (this.#joined.total >= connections - forNewcomers) {
      const greediest = this.#joined.greediest();
      if (this.#joined.of(greediest) <= own + 1) return false;
      this.#crowdOut(this.#joined.newest(greediest));
    }
    this.leave(member);
    this.#put(member, this.#joined, program);
    return true;
  }

  leave(member: Member): void {
    const place = this.#places.get(member);
    place?.shares.remove(place.owner, member);
    this.#places.delete(member);
  }

  #put(member: Member, shares: Shares<Member>, owner: unknown): void {
    shares.add(owner, member);
    this.#places.set(member, { shares, owner });
  }

  #crowdOut(member: Member | undefined): void {
    if (member === undefined) return;
    this.leave(member);
    member.crowdedOut();
  }
}
