import type { WireLimits } from './limits.ts';

type Bounds = Pick<WireLimits, 'connections' | 'forNewcomers' | 'perProgram' | 'waiting'>;

/** A connection, as the admission sees it. */
export interface Member {
  /** Ends it at once. */
  crowdedOut(): void;
}

/** Connections without CONNECT compete by listener, the others by program. */
interface Place {
  readonly isJoined: boolean;
  readonly owner: unknown;
}

/**
 * Who may stay where there are too many connections. One that has not sent CONNECT makes room for the next, the oldest of the
 * listener with most of them first; one of a program makes room only for a program that has fewer. So a flood of one program,
 * or of connections without CONNECT, costs the others nothing.
 */
export class Admission {
  readonly #bounds: Bounds;
  /** In the order of arrival, or of CONNECT. */
  readonly #places = new Map<Member, Place>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#places.size;
  }

  /** A new connection of a listener. */
  enter(member: Member, listener: unknown): void {
    const waiting = this.#byOwner(false);
    const own = waiting.get(listener) ?? [];
    if (own.length >= this.#bounds.waiting) this.#crowdOut(own[0]);
    else if (this.size >= this.#bounds.connections) this.#crowdOut(greediest(waiting)[0]);
    this.#places.set(member, { isJoined: false, owner: listener });
  }

  /** It is of this program. @returns whether it may stay */
  join(member: Member, program: string): boolean {
    const { connections, forNewcomers, perProgram } = this.#bounds;
    const joined = this.#byOwner(true);
    const own = joined.get(program)?.length ?? 0;
    if (own >= perProgram) return false;
    if ([...joined.values()].flat().length >= connections - forNewcomers) {
      const most = greediest(joined);
      if (most.length <= own + 1) return false;
      this.#crowdOut(most.at(-1));
    }
    this.leave(member);
    this.#places.set(member, { isJoined: true, owner: program });
    return true;
  }

  leave(member: Member): void {
    this.#places.delete(member);
  }

  #byOwner(isJoined: boolean): ReadonlyMap<unknown, readonly Member[]> {
    const members = new Map<unknown, Member[]>();
    for (const [member, place] of this.#places) {
      if (place.isJoined === isJoined) members.set(place.owner, [...(members.get(place.owner) ?? []), member]);
    }
    return members;
  }

  #crowdOut(member: Member | undefined): void {
    if (member === undefined) return;
    this.leave(member);
    member.crowdedOut();
  }
}

/** Those of the owner of most. */
const greediest = (members: ReadonlyMap<unknown, readonly Member[]>): readonly Member[] =>
  [...members.values()].sort((one, other) => other.length - one.length)[0] ?? [];
