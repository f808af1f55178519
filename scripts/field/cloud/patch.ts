import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DEFAULT_SWITCHES, type Switches } from '../../../test/simulator/switches.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Where the defaults of the switches stand. */
const FILES = ['test/simulator/switches.ts', 'test/simulator/adr/switches.ts'];

const literal = (position: unknown): string => (typeof position === 'string' ? `'${position}'` : String(position));

/** The switches whose default is another than what was seen. */
export const differing = (positions: Partial<Switches>): readonly (readonly [string, unknown])[] =>
  Object.entries(positions).filter(
    ([name, position]) => new Map(Object.entries(DEFAULT_SWITCHES)).get(name) !== position,
  );

/** A patch of the simulator, for `git apply`, by which its defaults are what was seen; empty where they are. */
export function patchOf(positions: Partial<Switches>): string {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-field-patch-'));
  try {
    return FILES.map((file) => {
      const before = readFileSync(join(ROOT, file), 'utf8');
      const after = differing(positions).reduce((text, [name, position]) => moved(text, name, position), before);
      const changed = join(directory, file);
      mkdirSync(dirname(changed), { recursive: true });
      writeFileSync(changed, after);
      const labels = ['--label', `a/${file}`, '--label', `b/${file}`];
      return spawnSync('diff', ['-u', ...labels, join(ROOT, file), changed], { encoding: 'utf8' }).stdout;
    }).join('');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Only the line of a default: a type has no comma at its end. */
const moved = (text: string, name: string, position: unknown): string =>
  text.replace(new RegExp(`^  ${name}: .*,$`, 'm'), `  ${name}: ${literal(position)},`);
