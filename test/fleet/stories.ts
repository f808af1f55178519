import type { Fleet } from './fleet.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export interface Story {
  readonly name: string;
  /** Plays what happens, until the far side is well again, or has said what the gateways are to do. */
  readonly happens: (fleet: Fleet) => Promise<void>;
  /** What each gateway needs at least of DPS and of its hub, before all serve. */
  readonly registrations: number;
  readonly connects: number;
  /** The moment that times count from is that of its beginning, and not of its end. */
  readonly isCalled?: true;
  /** The bound where it is not the time that the quotas need, in milliseconds. */
  readonly boundMs?: (quotasMs: number) => number;
  /** How long it may take until all serve, in milliseconds. */
  readonly mostMs: number;
}

/** An operator who rolls a fleet as the page for operators says. */
const DELAY_MS = 10 * MINUTE;
/** Direct methods that a job of an S3 hub calls in a second, for a fleet of 10,000. */
const CALLED = 50;
/** "Retry the same hub for at least 15 minutes before DPS" (Microsoft, concepts-deploy-at-scale). */
const SAME_HUB_MS = 15 * MINUTE;

export const STORIES: readonly Story[] = [
  {
    name: 'a CA is rolled by job',
    registrations: 1,
    connects: 1,
    isCalled: true,
    // The operator spreads it over more time than the quotas need.
    boundMs: (quotasMs) => Math.max(quotasMs, (10_000 / CALLED) * SECOND + DELAY_MS),
    mostMs: HOUR,
    async happens({ far, members, share }) {
      far.enrolled = new Set(['CA 1', 'CA 2']);
      far.issuer = 'CA 2';
      for (const member of members) {
        void member.roll(DELAY_MS);
        await far.options.clock.sleep(SECOND / (CALLED * share));
      }
    },
  },
  {
    name: 'all identities are deleted in the hub',
    registrations: 1,
    connects: 1,
    mostMs: 2 * HOUR,
    happens: ({ far }) => far.forget(),
  },
  {
    name: 'an intermediate is revoked',
    // The leaf of the old one, which DPS refuses, and then the new leaf.
    registrations: 2,
    connects: 1,
    mostMs: 3 * HOUR,
    async happens({ far }) {
      far.enrolled = new Set(['CA 2']);
      far.issuer = 'CA 2';
      await far.forget();
    },
  },
  {
    name: 'a region is out for an hour',
    registrations: 0,
    connects: 1,
    mostMs: HOUR,
    async happens({ far }) {
      far.isDown = true;
      await far.endSessions(SECOND);
      await far.options.clock.sleep(HOUR);
      far.isDown = false;
    },
  },
  {
    name: 'the hub is deleted, and DPS has another',
    registrations: 1,
    connects: 1,
    boundMs: (quotasMs) => SAME_HUB_MS + quotasMs,
    mostMs: 2 * HOUR,
    async happens({ far }) {
      far.gone.add('hub1');
      far.hub = 'hub2';
      await far.endSessions(SECOND);
    },
  },
  {
    name: 'a wrong enrollment for five minutes',
    registrations: 1,
    connects: 1,
    mostMs: 3 * HOUR,
    async happens({ far }) {
      far.enrolled = new Set();
      await far.forget();
      await far.options.clock.sleep(5 * MINUTE);
      far.enrolled = new Set(['CA 1']);
    },
  },
  {
    name: 'DPS has no hub for an hour',
    registrations: 1,
    connects: 1,
    mostMs: 3 * HOUR,
    async happens({ far }) {
      far.hub = undefined;
      await far.forget();
      await far.options.clock.sleep(HOUR);
      far.hub = 'hub2';
    },
  },
  {
    name: 'the power of the whole site is cut',
    registrations: 0,
    connects: 1,
    mostMs: HOUR,
    async happens({ far, members, draw }) {
      const { clock } = far.options;
      for (const member of members) member.cut();
      await clock.sleep(MINUTE);
      // They boot within seven seconds of each other.
      for (const member of members) void clock.sleep(7 * SECOND * draw()).then(() => member.start());
    },
  },
];
