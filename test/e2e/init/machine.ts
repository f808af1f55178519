import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { withOwnMounts } from '../../namespace.ts';
import { BUNDLE, type Ended } from '../stage/gateway.ts';
import { PATIENCE_MS } from '../stage/site.ts';

const NODE = process.env.NEWLEAF_TEST_NODE ?? process.execPath;

/** Where a package puts the bundle; that of the test may lie where only root can look. */
const HOME = '/usr/lib/newleaf';

/** The machine of whoever tests, copied on write: /etc, /var and /run are its own, and so are its users. */
const BOOT = `set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
mount --rbind /proc "$1/root/proc"
mount -t tmpfs tmpfs "$1/root/run"
mkdir -p "$1/root${HOME}/dist" "$1/root/etc/newleaf"
cp -r "$2/." "$1/root${HOME}/dist"
touch "$1/root${HOME}/node"
mount --bind "$3" "$1/root${HOME}/node"
printf '#!/bin/sh\\nexec ${HOME}/node ${HOME}/dist/newleaf.js "$@"\\n' >"$1/root/usr/bin/newleaf"
chmod 755 "$1/root/usr/bin/newleaf"
echo up
exec cat`;

/** What sysusers.d of the package makes; the group softhsm is that of Debian's softhsm2-common. */
const USERS = `set -e
getent group softhsm >/dev/null || groupadd --system softhsm
useradd --system --user-group --home-dir /var/lib/newleaf --no-create-home --groups softhsm newleaf
mkdir -p /var/lib/softhsm/tokens
chgrp -R softhsm /etc/softhsm /var/lib/softhsm
chmod 2770 /var/lib/softhsm /var/lib/softhsm/tokens
rm -rf /var/lib/softhsm/tokens/*`;

/** A machine that can be ruined: users, /etc and /var are its own; the network is that of the test. Needs root. */
export class Machine {
  readonly #holder: ChildProcess;
  readonly #place: string;

  private constructor(holder: ChildProcess, place: string) {
    this.#holder = holder;
    this.#place = place;
  }

  /** @param hasUser with the user newleaf, as the package leaves it */
  static async start(hasUser = true): Promise<Machine> {
    const place = mkdtempSync(join(tmpdir(), 'newleaf-machine-'));
    const [program = '', ...args] = [...withOwnMounts(), 'sh', '-c', BOOT, 'sh', place, dirname(BUNDLE), NODE];
    const holder = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(holder, 'exit').then(([code]) => {
      throw new Error(`the machine does not start: ${code}`);
    });
    await Promise.race([once(holder.stdout, 'data'), ended]);
    ended.catch(() => undefined);
    const machine = new Machine(holder, place);
    if (hasUser) machine.sh(USERS);
    return machine;
  }

  /** argv that runs a command in the machine, as root or as a user with all its groups. */
  argv(command: readonly string[], user?: string): readonly string[] {
    const as = user === undefined ? [] : ['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--'];
    const inside = [
      'nsenter',
      '--target',
      String(this.#holder.pid),
      '--mount',
      '--root',
      'chroot',
      join(this.#place, 'root'),
    ];
    return [...inside, ...as, ...command];
  }

  /** Runs a script as root, and returns what it prints. @throws Error when it fails */
  sh(script: string, input = ''): string {
    const [file = '', ...args] = this.argv(['sh', '-ec', script]);
    return execFileSync(file, args, {
      encoding: 'utf8',
      input,
      env: environment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  }

  write(path: string, text: string, mode = 0o644): void {
    this.sh(`cat >'${path}' && chmod ${mode.toString(8)} '${path}'`, text);
  }

  /** Runs newleaf as root, to its end. */
  async newleaf(args: readonly string[], input = '', more: NodeJS.ProcessEnv = {}, umask = '022'): Promise<Ended> {
    const [file = '', ...before] = this.argv(['sh', '-c', `umask ${umask}; exec newleaf "$@"`, 'sh', ...args]);
    const child = spawn(file, before, { env: { ...environment(), ...more }, timeout: PATIENCE_MS });
    child.stdin.on('error', () => undefined).end(input);
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code, out, err };
  }

  async stop(): Promise<void> {
    const ended = once(this.#holder, 'exit');
    this.#holder.stdin?.end();
    await ended;
    rmSync(this.#place, { recursive: true, force: true });
  }
}

/** What sudo leaves of an environment. */
export function environment(): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    NO_COLOR: '1',
    LANG: 'C',
  };
}
