import { availableParallelism } from 'node:os';
import { after, suite, test } from 'node:test';
import { diceOf } from '../search/dice.ts';
import { Lane } from './lane.ts';
import { beforeEachSync, play } from './play.ts';
import { STORIES } from './stories.ts';
import { Tally } from './tally.ts';

const SEED = Number(process.env.SEED ?? 1);
const LANES = Number(process.env.LANES ?? 2 * availableParallelism());
const ONLY = new RegExp(process.env.STORY ?? '');
/** Programs have their messages synced all the time: then so many syncs, from the first to the last. */
const MOST = Number(process.env.SYNCS ?? 40);

const told = STORIES.filter(({ name }) => ONLY.test(name)).map((story) => ({ story, tally: new Tally(story.name) }));

suite(`power is cut at each sync, seed ${SEED}`, { concurrency: LANES }, () => {
  for (const [index, { story, tally }] of told.entries())
    test(story.name, async (t) =>
      play(await Lane.open(t, story), tally, beforeEachSync(MOST), diceOf(SEED * 1000 + index)),
    );
  after(() => console.log(Tally.page(told.map(({ tally }) => tally))));
});
