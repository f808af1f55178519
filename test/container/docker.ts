import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ENTER, NATIVE, onDisk } from '../package/installed.ts';
import { Engine } from './engine.ts';

/** Docker, with a daemon of its own: `--bridge none`, as a machine may not allow bridges and rules of a firewall. */
export class Docker extends Engine {
  readonly command: readonly string[] = ['docker'];
  readonly env: NodeJS.ProcessEnv;
  readonly #daemon: ChildProcess;
  readonly #directories: readonly string[];

  private constructor(daemon: ChildProcess, socket: string, directories: readonly string[]) {
    super();
    this.#daemon = daemon;
    this.env = { ...process.env, DOCKER_HOST: `unix://${socket}` };
    this.#directories = directories;
  }

  /** Waits until the daemon listens. @param image what `docker-image` has made @throws where the daemon ends before */
  static async open(image: string): Promise<Docker> {
    const [data, run] = [onDisk('containers'), mkdtempSync(join(tmpdir(), 'newleaf-docker-'))];
    const socket = join(run, 'socket');
    const places = [
      '--data-root',
      data,
      '--exec-root',
      run,
      '--pidfile',
      join(run, 'pid'),
      '--host',
      `unix://${socket}`,
    ];
    // It ends with the test file, however that ends.
    const argv = [
      '--containers',
      'setpriv',
      '--pdeathsig=TERM',
      'dockerd',
      ...places,
      '--bridge=none',
      '--iptables=false',
    ];
    const daemon = spawn(ENTER, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    const told: string[] = [];
    await new Promise<void>((resolve, reject) => {
      createInterface(daemon.stderr).on('line', (line) => {
        told.push(line);
        if (line.includes('API listen on')) resolve();
      });
      daemon.once('close', () => reject(new Error(told.join('\n'))));
    });
    const docker = new Docker(daemon, socket, [data, run]);
    const must = (...args: readonly string[]) => execFileSync('docker', args, { stdio: 'ignore', env: docker.env });
    must('load', '--quiet', '--input', join(image, 'image.tar'));
    must('tag', `newleaf:${NATIVE}`, 'newleaf');
    return docker;
  }

  /** The network is that of the simulator. */
  override start(...args: readonly string[]) {
    const [command = '', ...rest] = args;
    return super.start(command, ...(command === 'run' ? ['--network=host'] : []), ...rest);
  }

  composer(): readonly string[] {
    return ['docker', 'compose'];
  }

  script(lines: string): readonly string[] {
    return ['sh', '-c', lines.replaceAll('docker run ', 'docker run --network=host ')];
  }

  /** As Docker itself asks: its first answer that is not "starting". */
  async healthy(container: string): Promise<void> {
    const filters = [`container=${container}`, 'event=health_status'].flatMap((one) => ['--filter', one]);
    const events = this.start('events', '--since=0', '--format={{.Action}}', ...filters);
    const [answer] = await once(createInterface(events.stdout), 'line');
    events.kill();
    assert.equal(answer, 'health_status: healthy');
  }

  async remove(): Promise<void> {
    this.#daemon.kill();
    if (this.#daemon.exitCode === null) await once(this.#daemon, 'close');
    for (const path of this.#directories) rmSync(path, { recursive: true, force: true });
  }
}
