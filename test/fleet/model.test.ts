import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Played, play } from './play.ts';
import { MINUTE, STORIES } from './stories.ts';

/** A fleet of 10,000 is played by `npx tsx test/fleet/table.ts`: its quotas are larger as well, so little else differs. */
const SIZE = Number(process.env.FLEET ?? 500);
/** How many times as long as the quotas need. */
const MOST = 1.15;

interface Slow {
  readonly most: number;
  readonly because: string;
}

const SLOW: Readonly<Record<string, Slow>> = {
  'an intermediate is revoked': {
    most: 1.25,
    because: 'the second registration of each comes when the first was answered',
  },
  'the hub is deleted, and DPS has another': {
    most: 1.3,
    because: 'who asks when is spread over a quarter of an hour, which is enough for 15,000 gateways',
  },
  'a wrong enrollment for five minutes': {
    most: 4.5,
    because: 'DPS has refused both leaves: they are asked for by turns, each 37 minutes (a law of agent/roll)',
  },
  'DPS has no hub for an hour': {
    most: 8.5,
    because: 'the ladder has come to a pause of an hour, with a quarter of jitter (a law of agent/roll)',
  },
  'a region is out for an hour': { most: 1.45, because: 'those whom the hub does not take try again after a minute' },
  'the power of the whole site is cut': { most: 1.45, because: 'the rungs of the connect ladder double' },
};

/** Answers 429 for each gateway after its first, on average: none knows how many others wait. */
const AGAIN: Readonly<Record<string, number>> = {
  'all identities are deleted in the hub': 2,
  'an intermediate is revoked': 4.5,
  'a wrong enrollment for five minutes': 4,
  'DPS has no hub for an hour': 4,
};

for (const story of STORIES) {
  test(story.name, async (t) => {
    const played = await play(story, { kind: 'newleaf', size: SIZE, seed: 1 });
    t.diagnostic(told(played));
    const { most, because } = SLOW[story.name] ?? { most: MOST, because: 'the quotas let no more through' };
    const ratio = played.allMs / played.boundMs;
    assert.ok(ratio <= most, `${ratio.toFixed(2)} times what the quotas need, and ${most} are enough: ${because}`);
    const again = played.throttledAgain / SIZE;
    assert.ok(again <= (AGAIN[story.name] ?? 0), `${again.toFixed(1)} answers 429 for each gateway after its first`);
  });
}

test('a fleet is played in the same way twice', async () => {
  const [story] = STORIES;
  if (story === undefined) throw new Error('there is no story');
  const options = { kind: 'newleaf', size: 50, seed: 7 } as const;
  assert.deepEqual(await play(story, options), await play(story, options));
});

const told = ({ allMs, boundMs, worstMs, throttled, throttledAgain, peakOfDps, peakOfHub }: Played): string =>
  `all serve after ${(allMs / MINUTE).toFixed(1)} min, by the quotas ${(boundMs / MINUTE).toFixed(1)}; ` +
  `one waits ${(worstMs / MINUTE).toFixed(1)}; ${(throttled / SIZE).toFixed(1)} answers 429 for each, ${(throttledAgain / SIZE).toFixed(1)} not its first; ` +
  `at most ${peakOfDps} registrations and ${peakOfHub} connects a second`;
