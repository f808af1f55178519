import { parseArgs } from 'node:util';
import { play } from './play.ts';
import { shrink } from './shrink.ts';
import { type Trust, told, vectorOf, type Worlds } from './vector.ts';

/**
 * Random faults over time, in virtual time, until a law breaks:
 *   node --import tsx test/search/search.ts [--minutes N] [--runs N] [--seed FIRST] [--step N] [--stories N] [--trust leaf|ca] [--worlds older|wider]
 * Prints each story that broke a law, as short as it could be made, and how many runs there were.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    runs: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    step: { type: 'string', default: '1' },
    stories: { type: 'string', default: '1' },
    trust: { type: 'string', default: 'drawn' },
    worlds: { type: 'string', default: 'drawn' },
  },
});
const end = performance.now() + Number(values.minutes) * 60_000;
const first = Number(values.seed);
const step = Number(values.step);

let runs = 0;
let stories = 0;
let seed = first;
for (; performance.now() < end && runs < Number(values.runs) && stories < Number(values.stories); seed += step) {
  const vector = vectorOf(seed, values.trust as Trust, values.worlds as Worlds);
  const { broken } = await play(vector);
  runs += 1;
  if (broken.length === 0) continue;
  stories += 1;
  const smallest = await shrink(vector, broken);
  const again = await play(smallest);
  console.log(`\n${again.broken.join('\n')}\n${told(smallest)}\n  ${again.trail.slice(0, 40).join('\n  ')}`);
}
console.log(
  `${runs} runs, seeds ${first} to ${seed - step} by ${step}: ${stories === 0 ? 'no law was broken' : `${stories} broke a law`}`,
);
process.exit(stories === 0 ? 0 : 1);
