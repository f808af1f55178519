import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ENTER, NATIVE, onDisk } from '../package/installed.ts';
import { Engine } from './engine.ts';

/** Docker, with a daemon of its own: `--bridge none`, as a machine may not allow bridges and rules of a firewall. */
export class Docker extends Engine {
  readonly command: readonly string[] = ['docker'];
  readonly env: NodeJS.ProcessEnv;
  readonly #data = onDisk('containers');
  readonly #run = mkdtempSync(join(tmpdir(), 'newleaf-docker-'));
  readonly #host = `unix://${join(this.#run, 'socket')}`;
  #daemon: ChildProcess | undefined;

  private constructor() {
    super();
    this.env = { ...process.env, DOCKER_HOST: this.#host };
  }

  /** @param image what `docker-image` has made */
  static async open(image: string): Promise<Docker> {
    const docker = new Docker();
    await docker.#begin(ENTER, '--containers');
    const must = (...args: readonly string[]) => execFileSync('docker', args, { stdio: 'ignore', env: docker.env });
    must('load', '--quiet', '--input', join(image, 'image.tar'));
    must('tag', `newleaf:${NATIVE}`, 'newleaf');
    return docker;
  }

  /** Starts its daemon behind this command, and waits until it listens. @throws where it ends before */
  async #begin(program: string, ...before: readonly string[]): Promise<void> {
    const places = ['--data-root', this.#data, '--exec-root', this.#run, '--pidfile', join(this.#run, 'pid')];
    const network = ['--bridge=none', '--iptables=false', '--ip-forward=false'];
    const dockerd = ['dockerd', ...places, '--host', this.#host, ...network];
    // It ends with the test file, however that ends.
    const argv = [...before, 'setpriv', '--pdeathsig=TERM', ...dockerd];
    const daemon = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#daemon = daemon;
    const told: string[] = [];
    await new Promise<void>((resolve, reject) => {
      createInterface(daemon.stderr).on('line', (line) => {
        told.push(line);
        if (line.includes('API listen on')) resolve();
      });
      daemon.once('close', () => reject(new Error(told.join('\n'))));
    });
  }

  /** Kills its daemon, which leaves the containers alone, and starts another one, which finds them. */
  async crash(): Promise<void> {
    const namespace = openSync(`/proc/${this.#daemon?.pid}/ns/mnt`, 'r');
    await this.#end('SIGKILL');
    await this.#begin('nsenter', `--mount=/proc/${process.pid}/fd/${namespace}`);
    closeSync(namespace);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#daemon === undefined || this.#daemon.exitCode !== null) return;
    this.#daemon.kill(signal);
    await once(this.#daemon, 'close');
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
    await this.#end('SIGTERM');
    for (const path of [this.#data, this.#run]) rmSync(path, { recursive: true, force: true });
  }
}
