import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Volumes } from './container.ts';
import type { Ended, Engine } from './engine.ts';
import { scratch } from './site.ts';

/** A scratch directory with these files. */
export function directoryOf(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-page-'));
  scratch.push(directory);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** What the page has a person write, with a directory of the test for /etc/newleaf. */
export const atHome = (text: string, { configuration }: Pick<Volumes, 'configuration'>): string =>
  text.replaceAll(/(^|[\s"])\/etc\/newleaf:/g, `$1${configuration}:`);

/** The compose of the engine. @returns its command, which is called in a directory with these files */
export function composer(engine: Engine, files: Readonly<Record<string, string>>) {
  const directory = directoryOf(files);
  const named = Object.keys(files)
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => ['--file', join(directory, name)]);
  const [program = '', ...first] = engine.composer(directory);
  const compose = async (...args: readonly string[]): Promise<Ended> => {
    const child = spawn(program, [...first, '--project-name=gateway', ...named, ...args], {
      cwd: directory,
      env: engine.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err] = [text(child.stdout), text(child.stderr)];
    const [code] = await once(child, 'close');
    return { code, out: await out, err: await err };
  };
  return { compose, directory };
}
