import { type ChildProcess, type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { DaemonLog, type LogLine } from '../e2e/stage/daemon-log.ts';
import type { Ended } from '../e2e/stage/gateway.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';

const ROOTFS = join(import.meta.dirname, 'rootfs');
/** Run a test file with it (see namespace.ts): what starts a machine needs a place of its own. There are no packages there. */
export const APART = ['sh', '-c', `"$0/rootfs" >/dev/null && exec "$0/apart" "$@"`, import.meta.dirname];
const POLL_MS = 50;
const LOOK_MS = 1_000;
/** Of a shell on the machine. */
export const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin', LANG: 'C.UTF-8', NO_COLOR: '1', SYSTEMD_COLORS: '0' };

/** Machines of one group would share the group of each unit: what it uses would be counted together, and one could kill all. */
const IN_A_GROUP = `mkdir "$0" && echo $$ >"$0/cgroup.procs" && exec "$@"`;

/** A name that was killed is taken for ever. */
let boots = 0;

/** Properties of a unit, as `systemctl show` prints them. */
export type Unit = Readonly<Record<string, string>>;

/** The daemon says so itself: the hub has accepted its leaf, and the twin is read. */
export const isOnline = ({ StatusText }: Unit): boolean => StatusText?.includes('online at') === true;

export const isUp = ({ ActiveState, SubState }: Unit): boolean => ActiveState === 'active' && SubState === 'running';

/** A Debian with systemd as its first process. It shares its network with this process, and nothing else. */
export class Machine {
  readonly #directory = mkdtempSync(join(tmpdir(), 'newleaf-machine-'));
  readonly root = join(this.#directory, 'root');
  /** What is in the journal, of all boots: `unit`, `priority`, `message`; and the fields of a line that is JSON. */
  readonly journal = new DaemonLog();
  #container: ChildProcess | undefined;
  #follower: ChildProcess | undefined;
  #leader = 0;
  #console = '';

  constructor(t: TestContext) {
    const lower = execFileSync(ROOTFS, { encoding: 'utf8' }).trim();
    const [upper, work] = [join(this.#directory, 'upper'), join(this.#directory, 'work')];
    execFileSync('mount', ['-t', 'tmpfs', 'newleaf-machine', this.#directory]);
    for (const directory of [upper, work, this.root]) mkdirSync(directory);
    const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    execFileSync('mount', ['-t', 'overlay', 'newleaf-machine', '-o', layers, this.root]);
    t.after(async () => {
      await this.crash();
      execFileSync('umount', [this.root, this.#directory]);
      rmdirSync(this.#directory);
    });
  }

  /** Writes a file, whether the machine runs or not. */
  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text, { mode });
  }

  /**
   * Adds settings to the unit of newleaf, which go before those of its other drop-ins (they are read in the order of their
   * names). A systemd that runs already reads them at its next `daemon-reload`.
   */
  dropIn(settings: string): void {
    this.write('/etc/systemd/system/newleaf.service.d/zz-test.conf', settings);
  }

  /**
   * Resolves when systemd can be asked: what it starts meanwhile may still be on its way.
   * @param more options of systemd-nspawn(1)
   */
  async boot(...more: readonly string[]): Promise<void> {
    const options = [
      '--quiet',
      '--register=no',
      '--keep-unit',
      '--link-journal=no',
      '--resolv-conf=off',
      '--timezone=off',
      ...more,
    ];
    boots += 1;
    const name = `gateway${boots}`;
    const argv = ['systemd-nspawn', ...options, `--machine=${name}`, '--directory', this.root, '--boot'];
    const container = spawn('sh', ['-c', IN_A_GROUP, groupOf(name), ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#container = container;
    for (const stream of [container.stdout, container.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#console = `${this.#console}${text}`.slice(-4_000);
      });
    }
    await this.#up();
  }

  async reboot(): Promise<void> {
    const ended = this.#container && once(this.#container, 'exit');
    await this.must('systemctl', '--no-block', 'reboot');
    // It does not heed the SIGTERM that all get at the end, and 90 seconds would be waited for it.
    try {
      process.kill(-(this.#follower?.pid ?? 0), 'SIGKILL');
    } catch (error) {
      // The machine was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await ended;
    await this.boot();
  }

  /** The power fails. */
  async crash(): Promise<void> {
    const container = this.#container;
    if (container === undefined || container.exitCode !== null || container.signalCode !== null) return;
    const ended = once(container, 'exit');
    // All others of the machine end with its first process.
    if (this.#child() === this.#leader) process.kill(this.#leader, 'SIGKILL');
    container.kill('SIGKILL');
    await ended;
  }

  /** A command as root, for a process that starts it by itself. */
  argv(...argv: readonly string[]): readonly string[] {
    return ['nsenter', '--target', String(this.#leader), '--all', '--', ...argv];
  }

  /** Runs a command as root, to its end. */
  async run(...argv: readonly string[]): Promise<Ended> {
    const child = this.#enter(argv);
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code, out, err };
  }

  /** The same for a command that must succeed. @returns what it prints */
  async must(...argv: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(...argv);
    if (code === 0) return out;
    throw new Error(`${argv.join(' ')} ended with ${code}:\n${out}${err}\n${this.#tail()}`);
  }

  /** Of systemd. */
  async version(): Promise<number> {
    return Number(/^systemd (\d+)/.exec(await this.must('systemctl', '--version'))?.[1]);
  }

  async show(unit = 'newleaf.service'): Promise<Unit> {
    const lines = (await this.must('systemctl', 'show', unit)).split('\n');
    return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
  }

  /** Waits until the unit is so, looking again at each line of the journal and each second: its status comes without a line. */
  async until(isSo: (unit: Unit) => boolean, unit?: string): Promise<Unit> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const since = this.journal.lines.length;
      const shown = await this.show(unit);
      if (isSo(shown)) return shown;
      const { ActiveState, SubState, Result, StatusText } = shown;
      await this.journal
        .waitFor(() => true, { since, timeoutMs: LOOK_MS })
        .catch((cause) => {
          if (Date.now() < deadline) return;
          throw new Error(`it is ${ActiveState} (${SubState}, ${Result}): ${StatusText}; never ${isSo}`, { cause });
        });
    }
  }

  async #up(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    do {
      const isGone = this.#container?.exitCode !== null;
      if (isGone || Date.now() > deadline) throw new Error(`the machine does not come up\n${this.#tail()}`);
      await pause(POLL_MS);
      this.#leader = this.#child();
      // nspawn has another child for a moment: asked there, it is not systemd that answers.
    } while (!(await this.run('systemctl', 'show', '--property=Version')).out.startsWith('Version='));
    const follower = this.#enter(['journalctl', '--boot', '--follow', '--no-tail', '--output=json']);
    this.#follower = follower;
    createInterface(follower.stdout).on('line', (line) => {
      // The end of the machine cuts the last one.
      if (isWhole(line)) this.journal.add(lineOf(JSON.parse(line)));
    });
  }

  /** The first process of the machine, as it is numbered here; 0 while there is none. */
  #child(): number {
    const pid = this.#container?.pid;
    const path = `/proc/${pid}/task/${pid}/children`;
    return existsSync(path) ? Number(readFileSync(path, 'utf8').trim().split(' ')[0]) : 0;
  }

  #enter(argv: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
    const [file = '', ...args] = this.argv(...argv);
    return spawn(file, args, {
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
      // nsenter(1) does not become the command, but waits for it: who ends the one must end both.
      detached: true,
    });
  }

  #tail(): string {
    return `${this.#console}\n${this.journal.tail()}`;
  }
}

/** Below the control group of this process, which apart has made. */
function groupOf(name: string): string {
  const [, own] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
  if (own === undefined) throw new Error('this process has no control group: apart has not started it');
  return join('/sys/fs/cgroup', own, name);
}

const isWhole = (line: string): boolean => line.startsWith('{') && line.endsWith('}');

/** journalctl(1), output=json: fields that are no text come as numbers. */
function lineOf(entry: Readonly<Record<string, unknown>>): LogLine {
  const message = String(entry.MESSAGE);
  const unit = entry.UNIT ?? entry._SYSTEMD_UNIT;
  const fields = isWhole(message) ? (JSON.parse(message) as object) : { message };
  return { ...fields, unit, priority: Number(entry.PRIORITY) };
}
