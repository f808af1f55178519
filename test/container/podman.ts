import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENTER, NATIVE, onDisk } from '../package/installed.ts';
import { Engine } from './engine.ts';

/** The network is that of the simulator; and the tests may not limit what a container takes. */
const CONF = `[containers]
netns = "host"
cgroups = "disabled"
`;

export class Podman extends Engine {
  readonly #store = onDisk('containers');
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;

  /** @param image what `build-image` has made */
  constructor(image: string) {
    super();
    const places = ['--root', join(this.#store, 'storage'), '--runroot', join(this.#store, 'run')];
    // vfs: the disk may itself be an overlay.
    const options = [...places, '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs'];
    this.command = [ENTER, '--containers', 'podman', ...options];
    const settings = join(this.#store, 'containers.conf');
    writeFileSync(settings, CONF);
    this.env = { ...process.env, CONTAINERS_CONF: settings };
    const must = (...args: readonly string[]) =>
      execFileSync(ENTER, [...this.command.slice(1), ...args], { stdio: 'ignore' });
    must('load', '--quiet', '--input', join(image, 'image.tar'));
    must('tag', `newleaf:${NATIVE}`, 'localhost/newleaf:latest');
  }

  composer(directory: string): readonly string[] {
    const podman = join(directory, 'podman');
    writeFileSync(podman, `#!/bin/sh\nexec ${this.command.join(' ')} "$@"\n`);
    chmodSync(podman, 0o755);
    return ['podman-compose', '--podman-path', podman, '--in-pod=false'];
  }

  /** In one mount namespace, which the containers of a machine have, and those of two calls have not here. */
  script(lines: string): readonly string[] {
    const [enter = '', containers = '', ...podman] = this.command;
    return [enter, containers, 'sh', '-c', lines.replaceAll(/\bdocker (?=volume|run)/g, `${podman.join(' ')} `)];
  }

  async healthy(container: string): Promise<void> {
    const probe = await this.call('healthcheck', 'run', container);
    assert.equal(probe.code, 0, probe.out + probe.err);
  }

  async remove(): Promise<void> {
    rmSync(this.#store, { recursive: true, force: true });
  }
}
