import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Played, play } from './play.ts';
import { MINUTE, STORIES } from './stories.ts';

/** A fleet of 10,000 is played by `npx tsx test/fleet/table.ts`: its quotas are larger as well, so little else differs. */
const SIZE = Number(process.env.FLEET ?? 500);
/** So many answers 429 for each gateway, in any story: an instance that throttles answers each of them by a handshake. */
const THROTTLED = 10;

for (const story of STORIES) {
  test(story.name, async (t) => {
    const played = await play(story, { kind: 'newleaf', size: SIZE, seed: 1 });
    t.diagnostic(told(played));
    assert.ok(Number.isFinite(played.allMs), `all serve within ${story.mostMs / MINUTE} minutes`);
    assert.ok(played.throttled / SIZE < THROTTLED);
  });
}

test('a fleet is played in the same way twice', async () => {
  const [story] = STORIES;
  if (story === undefined) throw new Error('there is no story');
  const options = { kind: 'newleaf', size: 50, seed: 7 } as const;
  assert.deepEqual(await play(story, options), await play(story, options));
});

const told = ({ allMs, boundMs, worstMs, throttled, peakOfDps, peakOfHub }: Played): string =>
  `all serve after ${(allMs / MINUTE).toFixed(1)} min, by the quotas ${(boundMs / MINUTE).toFixed(1)}; ` +
  `one waits ${(worstMs / MINUTE).toFixed(1)}; ${(throttled / SIZE).toFixed(1)} answers 429 for each; ` +
  `at most ${peakOfDps} registrations and ${peakOfHub} connects a second`;
