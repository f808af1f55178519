import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { DAY_S, FakeTime } from '../e2e/stage/fake-time.ts';
import { type Fault, matrix } from './play.ts';

const YEARS_S = 10 * 365 * DAY_S;
const HOUR_S = 3_600;

/** A fault of the wall clock; the monotonic one goes on. */
function ofClock(made: (time: () => FakeTime) => Omit<Fault, 'group' | 'options'>): Fault {
  let time: FakeTime | undefined;
  const made_ = made(() => {
    if (time === undefined) throw new Error('the gateway has not been made');
    return time;
  });
  const options = (t: TestContext) => {
    time = new FakeTime(t);
    return { runner: time.runner };
  };
  return { group: 'clock', options, ...made_ };
}

/** The clock is looked at once a minute. */
const LOOK = { withinMs: 90_000, backWithinMs: 180_000 } as const;
const WRONG = { code: /^NL-CLOCK$/, exit: 1, session: 'open', ...LOOK } as const;

const FAULTS: readonly Fault[] = [
  ofClock((time) => ({
    fault: 'ten years behind',
    ...WRONG,
    begin: () => time().set(-YEARS_S),
    end: () => time().set(0),
  })),
  ofClock((time) => ({ fault: '1970', ...WRONG, begin: () => time().setTo1970(), end: () => time().set(0) })),
  ofClock((time) => ({
    fault: 'it starts in 1970, as without a clock that runs on',
    ...WRONG,
    // No server certificate is valid yet.
    session: 'none',
    async begin({ gateway, unit }) {
      await gateway.stop('SIGTERM');
      time().setTo1970();
      await gateway.start();
      unit.watch(gateway);
    },
    end: () => time().set(0),
  })),
  ofClock((time) => ({
    fault: 'ten years ahead',
    ...WRONG,
    cost: { leaves: 1, registrations: 1 },
    begin: () => time().set(YEARS_S),
    end: () => time().set(0),
  })),
  ofClock((time) => ({
    fault: 'it steps an hour forth and back, six times',
    exit: 0,
    session: 'open',
    ...LOOK,
    async begin() {
      for (let step = 0; step < 6; step += 1) {
        time().set(step % 2 === 0 ? HOUR_S : 0);
        // Longer than whatever looks at it.
        await pause(2_000);
      }
    },
    end: () => time().set(0),
  })),
];

matrix('the clock', FAULTS, import.meta.filename, 4);
