import { play } from './play.ts';
import { type Trust, told, vectorOf } from './vector.ts';

const [first, count, trust = 'leaf', step = '1'] = process.argv.slice(2);
let bad = 0;
const kinds = new Map<string, number[]>();
for (let seed = Number(first); seed < Number(first) + Number(count) * Number(step); seed += Number(step)) {
  const vector = vectorOf(seed, trust as Trust);
  const { broken, trail } = await play(vector).catch((e) => ({ broken: [`THROWS ${e.stack}`], trail: [] as string[] }));
  if (broken.length === 0) continue;
  bad += 1;
  for (const b of broken) {
    const k = b.replace(/[\d.]+ h/, 'N h').slice(0, 110);
    kinds.set(k, [...(kinds.get(k) ?? []), seed]);
  }
  if (process.env.V) console.log(`\n${broken.join('\n')}\n${told(vector)}\n  ${trail.slice(0, 40).join('\n  ')}`);
}
for (const [k, seeds] of kinds) console.log(seeds.length, k, seeds.slice(0, 5).join(' '));
console.log(`${bad} of ${count} broken`);
process.exit(0);
