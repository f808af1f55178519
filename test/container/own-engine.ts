import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { ENTER, NATIVE, onDisk } from '../package/installed.ts';
import { Docker } from './docker.ts';
import type { Engine } from './engine.ts';
import { Podman } from './podman.ts';

/** `scripts/test docker` says so. */
const isDocker = process.env.NEWLEAF_TEST_ENGINE === 'docker';

/**
 * The engine of this test file, which goes with it.
 * @returns also the directory of the image: the stage makes one for all files
 */
export async function ownEngine(): Promise<{ readonly engine: Engine; readonly image: string }> {
  const made = process.env.NEWLEAF_TEST_IMAGE;
  const image = made ?? builtImage();
  const engine = isDocker ? await Docker.open(image) : new Podman(image);
  after(async () => {
    await engine.remove();
    if (made === undefined) rmSync(image, { recursive: true, force: true });
  });
  return { engine, image };
}

/** Builds the image with SoftHSM in it, for this machine, by the engine. @returns its directory, for the caller to remove */
export function builtImage(): string {
  const directory = onDisk('image');
  const build = join(import.meta.dirname, isDocker ? 'docker-image' : 'build-image');
  execFileSync(ENTER, ['--containers', build, directory, NATIVE, '--build-arg', 'MODULE=softhsm2'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return directory;
}
