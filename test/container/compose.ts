import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Ended, Engine, Volumes } from './engine.ts';

/** A scratch directory with these files. */
export function directoryOf(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-page-'));
  // Not sooner: what follows a test needs them.
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** What the page has a person write, with a directory of the test for /etc/newleaf. */
export const atHome = (text: string, { configuration }: Pick<Volumes, 'configuration'>): string =>
  text.replaceAll(/(^|[\s"])\/etc\/newleaf:/g, `$1${configuration}:`);

/** podman-compose, with the store of the engine. @returns its command, which is called in a directory with these files */
export function composer(engine: Engine, files: Readonly<Record<string, string>>) {
  const directory = directoryOf({ podman: `#!/bin/sh\nexec ${engine.command.join(' ')} "$@"\n`, ...files });
  chmodSync(join(directory, 'podman'), 0o755);
  const names = Object.keys(files).filter((name) => name.endsWith('.yaml'));
  const named = names.flatMap((name) => ['--file', join(directory, name)]);
  const options = ['--podman-path', join(directory, 'podman'), '--in-pod=false', '--project-name=gateway', ...named];
  const compose = async (...args: readonly string[]): Promise<Ended> => {
    const child = spawn('podman-compose', [...options, ...args], {
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
