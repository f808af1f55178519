import type { WireLimits } from './limits.ts';

type Bounds = Pick<WireLimits, 'connections' | 'forNewcomers' | 'perProgram' | 'waiting'>;

/** A connection, as the admission sees it. */
export interface Member {
  /** Ends it at once. */
  crowdedOut(): void;
}

/** A connection without CONNECT is of its listener, one with it of a program. */
interface Place {
  readonly of: 'listener' | 'program';
  readonly owner: unknown;
}

/**
 * Who may stay where there are too many connections. One that has not sent CONNECT makes room for the next, the oldest of the
 * listener with most of them first; one of a program makes room only for a program that has fewer. So a flood of one program,
 * or of connections without CONNECT, costs the others nothing.
 */
export class Admission {
  readonly #bounds: Bounds;
  /** In the order of arrival. */
  readonly #places = new Map<Member, Place>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#places.size;
  }

  /** A new connection of a listener. */
  enter(member: Member, listener: unknown): void {
    const own = this.#members('listener', listener);
    if (own.length >= this.#bounds.waiting) this.#crowdOut(own[0]);
    else if (this.size >= this.#bounds.connections) this.#crowdOut(this.#greediest('listener')[0]);
    this.#places.set(member, { of: 'listener', owner: listener });
  }

  /** It is of this program. @returns whether it may stay */
  join(member: Member, program: string): boolean {
    const { connections, forNewcomers, perProgram } = this.#bounds;
    const own = this.#members('program', program).length;
    if (own >= perProgram) return false;
    if (this.#members('program').length >= connections - forNewcomers) {
      const greediest = this.#greediest('program');
      if (greediest.length <= own + 1) return false;
      this.#crowdOut(greediest.at(-1));
    }
    this.leave(member);
    this.#places.set(member, { of: 'program', owner: program });
    return true;
  }

  leave(member: Member): void {
    this.#places.delete(member);
  }

  #members(of: Place['of'], owner?: unknown): readonly Member[] {
    const isAsked = (place: Place) => place.of === of && (owner === undefined || place.owner === owner);
    return [...this.#places].flatMap(([member, place]) => (isAsked(place) ? [member] : []));
  }

  /** Those of the owner of most. */
  #greediest(of: Place['of']): readonly Member[] {
    const owners = new Set([...this.#places.values()].flatMap((place) => (place.of === of ? [place.owner] : [])));
    const [most = []] = [...owners]
      .map((owner) => this.#members(of, owner))
      .sort((one, other) => other.length - one.length);
    return most;
  }

  #crowdOut(member: Member | undefined): void {
    if (member === undefined) return;
    this.leave(member);
    member.crowdedOut();
  }
}
