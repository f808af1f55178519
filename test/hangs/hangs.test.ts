import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FOR_EVER_MS, type Hang, type Hangable, hangable, play, type Step, stepsOf } from './play.ts';

/** They mostly wait. */
const LANES = Number(process.env.LANES ?? 8);
const ONLY = new RegExp(process.env.HANG ?? '.');
const SHORT_MS = 5_000;
const LONG_MS = 100_000;
/** So many short ones, one after the other. */
const SHARED = 12;
/** For one hang: a job has five minutes, and then comes the pause of the ladder. */
const MOST_MS = 15 * 60_000;

const nameOf = ({ tls, call, n, ms }: Hang): string =>
  `${tls}: ${call} ${n} hangs ${ms === FOR_EVER_MS ? 'for ever' : `for ${ms / 1_000} s`}`;

/**
 * Each call for five seconds; the first, the middle and the last of each function for longer, and the first of each function in
 * each phase of the daemon for ever. Those of a list share a gateway.
 */
function hangsOf(tls: Hang['tls'], steps: readonly Step[]): readonly (readonly Hang[])[] {
  const some = [...new Set(steps.map(({ call }) => call))].sort().flatMap((name) => {
    const of = steps.filter(({ call }) => call === name);
    return of.filter((_, at) => [0, of.length >> 1, of.length - 1].includes(at));
  });
  const known = new Set<string>();
  const firsts = steps.filter(({ call, phase }) => {
    const isFirst = phase !== undefined && !known.has(`${call} ${phase}`);
    known.add(`${call} ${phase}`);
    return isFirst && !some.some((one) => one.call === call && one.phase === phase);
  });
  const hangs = (of: readonly Step[], ms: number) =>
    of.map(({ call, n }) => ({ tls, call, n, ms })).filter((hang) => ONLY.test(nameOf(hang)));
  const lists = [...hangs([...some, ...firsts], FOR_EVER_MS), ...hangs(some, LONG_MS)].map((one) => [one]);
  const short = hangs(steps, SHORT_MS);
  for (let at = 0; at < short.length; at += SHARED) lists.push(short.slice(at, at + SHARED));
  return lists;
}

for (const tls of ['engine', 'helper'] as const)
  test(`a call of PKCS#11 hangs in a roll, TLS by ${tls}`, { concurrency: LANES }, async (t) => {
    let steps: readonly Step[] = [];
    await t.test('which are called', async (dry) => {
      steps = await stepsOf(await hangable(dry, tls));
    });
    const lanes = hangsOf(tls, steps).map((hangs) =>
      t.test(`${hangs.map(nameOf)[0]}: ${hangs.length}`, { timeout: hangs.length * MOST_MS }, async (lane) => {
        let at: Hangable | undefined;
        for (const hang of hangs)
          await lane.test(nameOf(hang), async (one) => {
            at ??= await hangable(lane, tls);
            const { breaches, ...cost } = await play(at, hang);
            // After a breach nothing is known of it any more.
            if (breaches.length > 0) at = undefined;
            one.diagnostic(JSON.stringify({ ...hang, ...cost }));
            assert.deepEqual(breaches, []);
          });
      }),
    );
    await Promise.all(lanes);
  });
