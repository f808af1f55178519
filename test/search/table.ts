import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AZURE_DAILY, DAILY, excess, tableOf } from './daily.ts';
import { rowsOf } from './parts.ts';

/**
 * Plays every single fault for weeks of virtual time, and writes what it costs into README.md beside this file. With the
 * argument CA or Azure, those faults alone.
 */
const TABLES = [
  { by: 'CA', days: 30, bounds: DAILY, marker: 'lasting' },
  { by: 'Azure', days: 2, bounds: AZURE_DAILY, marker: 'lasting, Azure' },
] as const;
const path = join(import.meta.dirname, 'README.md');
const [, , only] = process.argv;
const broken: string[] = [];
let count = 0;
for (const { by, days, bounds, marker } of TABLES) {
  if (only !== undefined && only !== by) continue;
  const rows = await rowsOf(days, by);
  broken.push(...rows.flatMap(excess));
  count += rows.length;
  const told = bounds.map(({ name, most, because }) => `- ${most} ${name}: ${because}.`).join('\n');
  const block = new RegExp(`(<!-- ${marker} -->\n)[\\s\\S]*(\n<!-- /${marker} -->)`);
  const text = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    text.replace(block, (_, begin, end) => `${begin}${told}\n\n${tableOf(rows)}${end}`),
  );
}
console.log(broken.join('\n') || `${count} faults, and none breaks a bound`);
process.exitCode = broken.length === 0 ? 0 : 1;
