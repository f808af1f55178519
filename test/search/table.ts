import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DAILY, excess, tableOf } from './daily.ts';
import { rowsOf } from './parts.ts';

/** Plays every single fault for 30 days of virtual time, and writes what it costs into README.md beside this file. */
const DAYS = 30;
const path = join(import.meta.dirname, 'README.md');
const rows = await rowsOf(DAYS);
const broken = rows.flatMap(excess);
const bounds = DAILY.map(({ name, most, because }) => `- ${most} ${name}: ${because}.`).join('\n');
const made = `${bounds}\n\n${tableOf(rows)}`;
const text = readFileSync(path, 'utf8');
writeFileSync(
  path,
  text.replace(/(<!-- lasting -->\n)[\s\S]*(\n<!-- \/lasting -->)/, (_, begin, end) => `${begin}${made}${end}`),
);
console.log(broken.join('\n') || `${rows.length} faults, and none breaks a bound`);
process.exitCode = broken.length === 0 ? 0 : 1;
