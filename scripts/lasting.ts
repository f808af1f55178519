import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const TABLE = join(import.meta.dirname, '..', 'test', 'search', 'README.md');

/** The faults in the table of `agent/roll/README.md`, and their names in that of `test/search`. */
const ASKED: readonly (readonly [words: string, fault: string])[] = [
  ['no network', 'no network'],
  ['DPS refuses every leaf (401)', 'DPS: NL-DPS-401002, all'],
  ['the enrollment is disabled', 'DPS: NL-DPS-DISABLED, all'],
  ['the new leaf is not enrolled', 'DPS: NL-DPS-401002, candidate'],
  ['DPS throttles (429)', 'DPS: NL-DPS-THROTTLED, all'],
  ['the hub refuses the device', 'hub: NL-HUB-REJECTED, all'],
  ['the hub is gone, and DPS has no other', 'hub: NL-HUB-UNREACHABLE, all'],
  ['the daily quota of the hub, or a second device of the same name', 'hub: ends each session after 5 s'],
  ['the EST server is down', 'issuer: NL-EST-UNREACHABLE'],
  ['the token makes no key', 'token: makes no key, NL-TOKEN-FAILED'],
  ['the disk takes nothing', 'disk: takes nothing'],
];

/** The cost of these faults in a month, from the table that `test/search/table.ts` makes. @throws Error where a row is missing */
export function lastingTable(): string {
  const lines = readFileSync(TABLE, 'utf8').split('\n');
  const rows = ASKED.map(([words, fault]) => {
    const line = lines.find((one) => one.startsWith(`| ${fault} | `));
    if (line === undefined)
      throw new Error(`test/search/README.md has no row "${fault}": npx tsx test/search/table.ts`);
    return `| ${words} |${line.slice(`| ${fault} |`.length)}`;
  });
  const head =
    '| stays for a month | DPS, worst hour | DPS a day | issuer a day | connects a day | writes a day | session open | back after |';
  return [head, head.replaceAll(/[^|]+/g, '---'), ...rows].join('\n');
}
