import { diceOf } from '../search/dice.ts';
import { VirtualClock } from '../search/virtual-clock.ts';
import { Far, type FarOptions } from './far.ts';
import { Gateway, type Member } from './gateway.ts';
import { Edge, Sample } from './peers.ts';
import type { Rate } from './quota.ts';
import { MINUTE, SECOND } from './stories.ts';

export const KINDS = { newleaf: Gateway, sample: Sample, edge: Edge } as const;
export type Kind = keyof typeof KINDS;

const START = Date.UTC(2030, 0, 1);
/** Of 10,000 gateways: what an instance of DPS takes in a minute, and a hub of S1 in a second. */
const WHOLE = 10_000;
const REGISTRATIONS = 1_000;
const CONNECTS = 100;
/** Of a few connects a second chance alone would decide who waits. */
const LEAST = 20;

export interface FleetOptions extends Partial<Omit<FarOptions, 'clock'>> {
  readonly kind: Kind;
  readonly size: number;
  readonly seed: number;
}

/** Many gateways of one kind that serve. A smaller fleet has smaller quotas: what happens to it is the same. */
export class Fleet {
  readonly far: Far;
  readonly members: readonly Member[];
  readonly draw: () => number;
  /** How large it is beside one of 10,000. */
  readonly share: number;

  private constructor(options: FleetOptions) {
    const { kind, size, seed, ...far } = options;
    this.share = size / WHOLE;
    this.draw = diceOf(seed);
    this.far = new Far({
      clock: new VirtualClock(START),
      registrations: { count: REGISTRATIONS * this.share, ms: MINUTE },
      connects: atLeast({ count: CONNECTS * this.share, ms: SECOND }),
      ...far,
    });
    const Of = KINDS[kind];
    this.members = Array.from({ length: size }, (_, at) => new Of(`gw-${at}`, this.far, this.draw));
  }

  /** All are started, at different moments of a minute, and serve. */
  static async open(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    const { far, members, draw } = fleet;
    const { clock } = far.options;
    for (const member of members) void clock.sleep(MINUTE * draw()).then(() => member.start());
    await clock.pass(3 * MINUTE);
    if (far.sessions.size !== members.length) throw new Error(`only ${far.sessions.size} gateways serve`);
    far.begin();
    return fleet;
  }

  /** How many have a session with a leaf of the issuer that is right now. */
  get serving(): number {
    const { sessions, issuer } = this.far;
    let count = 0;
    for (const { leaf } of sessions.values()) if (leaf.issuer === issuer) count += 1;
    return count;
  }

  /** Ends all processes. */
  close(): void {
    for (const member of this.members) member.cut();
  }
}

/** The same rate, counted over a longer time. */
function atLeast({ count, ms }: Rate): Rate {
  const longer = Math.max(1, LEAST / count);
  return { count: count * longer, ms: ms * longer };
}
