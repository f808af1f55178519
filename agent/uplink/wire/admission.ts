import type { WireLimits } from './limits.ts';

type Bounds = Pick<WireLimits, 'connections' | 'forNewcomers' | 'perProgram' | 'waiting'>;

/** A connection, as the admission sees it. */
export interface Member {
  /** Ends it at once. */
  crowdedOut(): void;
}

/** In the order of arrival, with their owners. */
type Places = Map<Member, unknown>;

/**
 * Who may stay where there are too many connections. One that has not sent CONNECT makes room for the next, the oldest of the
 * listener with most of them first; one of a program makes room only for a program that has fewer. So a flood of one program,
 * or of connections without CONNECT, costs the others nothing.
 */
export class Admission {
  readonly #bounds: Bounds;
  /** Without CONNECT, of their listeners. */
  readonly #newcomers: Places = new Map();
  /** Of programs. */
  readonly #clients: Places = new Map();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#newcomers.size + this.#clients.size;
  }

  /** A new connection of a listener. */
  enter(member: Member, listener: unknown): void {
    const own = membersOf(this.#newcomers, listener);
    if (own.length >= this.#bounds.waiting) this.#crowdOut(own[0]);
    else if (this.size >= this.#bounds.connections) this.#crowdOut(greediest(this.#newcomers)[0]);
    this.#newcomers.set(member, listener);
  }

  /** It is of this program. @returns whether it may stay */
  join(member: Member, program: string): boolean {
    const { connections, forNewcomers, perProgram } = this.#bounds;
    const own = membersOf(this.#clients, program).length;
    if (own >= perProgram) return false;
    if (this.#clients.size >= connections - forNewcomers) {
      const most = greediest(this.#clients);
      if (most.length <= own + 1) return false;
      this.#crowdOut(most.at(-1));
    }
    this.leave(member);
    this.#clients.set(member, program);
    return true;
  }

  leave(member: Member): void {
    this.#newcomers.delete(member);
    this.#clients.delete(member);
  }

  #crowdOut(member: Member | undefined): void {
    if (member === undefined) return;
    this.leave(member);
    member.crowdedOut();
  }
}

const membersOf = (places: Places, owner: unknown): readonly Member[] =>
  [...places].flatMap(([member, of]) => (of === owner ? [member] : []));

/** Those of the owner of most. */
function greediest(places: Places): readonly Member[] {
  const groups = [...new Set(places.values())].map((owner) => membersOf(places, owner));
  return groups.toSorted((one, other) => other.length - one.length)[0] ?? [];
}
