import { availableParallelism } from 'node:os';
import { after, suite, test } from 'node:test';
import { diceOf } from '../search/dice.ts';
import { Lane } from './lane.ts';
import { drawnFates, play } from './play.ts';
import { STORIES } from './stories.ts';
import { Tally } from './tally.ts';

const KILLS = Number(process.env.KILLS ?? 1000);
const SEED = Number(process.env.SEED ?? 1);
const LANES = Number(process.env.LANES ?? 2 * availableParallelism());
const ONLY = new RegExp(process.env.STORY ?? '');
/** Of one gateway: its far side keeps a log, which grows. */
const MOST = 60;

const told = STORIES.filter(({ name }) => ONLY.test(name)).map((story) => ({ story, tally: new Tally(story.name) }));
const weights = told.reduce((sum, { story }) => sum + story.weight, 0);
const parts = told.flatMap(({ story, tally }) => {
  const kills = Math.ceil((KILLS * story.weight) / weights);
  const lanes = Math.ceil(kills / MOST);
  return Array.from({ length: lanes }, (_, part) => ({ story, tally, part, kills: Math.ceil(kills / lanes) }));
});

suite(`${KILLS} kills, seed ${SEED}`, { concurrency: LANES }, () => {
  for (const [index, { story, tally, part, kills }] of parts.entries())
    test(`${story.name}, ${part + 1}`, async (t) =>
      play(await Lane.open(t, story), tally, drawnFates(kills), diceOf(SEED * 1000 + index)));
  after(() => console.log(Tally.page(told.map(({ tally }) => tally))));
});
