import { existsSync, readFileSync } from 'node:fs';
import { CODES, type Code } from '../failure/failure.ts';
import type { Rewriting } from './printed.ts';

/**
 * What systemd does for a unit, the engine does for a container: the words of both that mean the same. The other verbs are about
 * the unit itself, and are printed only after a look at it. A container that rests after a fault is running to its engine, so that
 * `start` would do nothing; `restart` starts a stopped one as well.
 */
const ENGINE: Readonly<Record<string, string>> = {
  start: 'restart',
  stop: 'stop',
  restart: 'restart',
  disable: 'stop',
};
/** Only root may use these, and in the container of the daemon even root may not. */
const OF_FILES = ['chmod', 'chown', 'install', 'rm'];
/** They open the token, and the daemon must not run: so there is no container to run them in. */
const ALONE = ['init', 'decommission'];

/** As systemd/container.md names them. `--volumes-from` would have the configuration read-only, as the daemon has it. */
const OF_STATE = 'newleaf:/var/lib/newleaf';
const OF_CONFIGURATION = '/etc/newleaf:/etc/newleaf';
const OF_PROGRAMS = 'uplink:/run/newleaf-uplink';
const mounts = (...volumes: readonly string[]) => volumes.flatMap((volume) => ['--volume', volume]);
/** Those of the paths in a command. */
const mountsFor = (args: readonly string[]) =>
  mounts(
    ...[OF_STATE, OF_CONFIGURATION, OF_PROGRAMS].filter((volume) =>
      args.some((word) => word.startsWith(volume.replace(/^.*:/, ''))),
    ),
  );
/** The PIN lies there for a moment, so it is in memory. */
const IN_MEMORY = ['--tmpfs', '/run/newleaf:mode=1777', '--tmpfs', '/tmp'];

const check = { sudo: false, program: 'newleaf', args: ['check'] };
const docker = (...args: readonly string[]) => ({ sudo: false, program: 'docker', args });

/**
 * Texts name the commands of a gateway with systemd, apt and sudo. A container has none of them: there its engine does the same,
 * with the names that systemd/container.md gives; a module is put into the image; its user is the daemon's.
 */
export const contained: Rewriting = (command) => {
  const { sudo, program, args } = command;
  const [verb = '', ...rest] = args;
  if (program === 'systemctl') {
    const same = ENGINE[verb];
    if (verb === 'status') return { sudo: false, program: 'newleaf', args: ['status'] };
    return docker(same ?? 'logs', 'newleaf');
  }
  if (program === 'newleaf' && ALONE.includes(verb))
    return docker(
      'run',
      '--rm',
      ...terminalFor(rest),
      ...IN_MEMORY,
      ...mounts(OF_STATE, OF_CONFIGURATION),
      'newleaf',
      ...args,
    );
  // Files of the reader are not in the container.
  if (program === 'newleaf' && verb === 'install' && rest[0] === 'FILE')
    return docker('exec', '--interactive', 'newleaf', 'newleaf', verb, '-', ...rest.slice(1), '<FILE');
  if (program === 'newleaf' && verb === 'csr' && rest[0] === '-o')
    return docker('exec', 'newleaf', 'newleaf', verb, '>FILE');
  // Its /tmp is in memory, and docker-cp(1) does not reach that.
  if (program === 'newleaf' && verb === 'support-bundle')
    return docker('exec', 'newleaf', 'newleaf', verb, '-o', '-', '>newleaf-support.tar.gz');
  if (OF_FILES.includes(program))
    return docker('run', '--rm', '--user', '0', ...mountsFor(args), '--entrypoint', program, 'newleaf', ...args);
  // The image has no opensc.
  if (program === 'pkcs11-tool' && args.some((word) => word === '-L' || word === '-O')) return check;
  if (program === 'journalctl') return docker('logs', 'newleaf');
  if (program === 'apt-get' && verb === 'install')
    return docker('build', '--file', 'Dockerfile.arm64', '--build-arg', `MODULE="${rest.join(' ')}"`, '.');
  if (program === 'man') return { sudo: false, program: 'newleaf', args: ['help'] };
  return sudo ? { ...command, sudo: false } : command;
};

/** To ask questions; of a PIN from stdin, stdin alone. */
function terminalFor(args: readonly string[]): readonly string[] {
  if (args.includes('--yes')) return [];
  return args.includes('-') ? ['--interactive'] : ['--interactive', '--tty'];
}

const OF_ITS_USER =
  'must belong to the user of the image: `chown -R newleaf: /var/lib/newleaf`. A directory of the host must belong to user and group 990 there.';

/** Advice of codes that is about packages and users of a machine, and what an image has in its place. */
const OF_IMAGE: Readonly<Partial<Record<Code, string>>> = {
  'NL-STATE-WRITE': `Check free space. The volume must not be read-only, and ${OF_ITS_USER}`,
  'NL-STATE-OWNER': `The volume ${OF_ITS_USER}`,
  'NL-STATE-NEWER':
    'Run the newer image again: `docker rm --force newleaf`, then the line that starts it, with the tag of that image.',
  'NL-TPM-DENIED':
    'Give the container the device, and its group by number: --device /dev/tpmrm0 --group-add $(stat -c %g /dev/tpmrm0)',
  'NL-CONTROL-DENIED': 'Leave --user away: only the user of the image may use it.',
  'NL-UPLINK-SOCKET': `It is tried again each minute. Where the port is taken, change uplink.tcp; where the directory cannot be written, start the container with --volume ${OF_PROGRAMS} as well.`,
};

/** Where the programs of a container find their sockets. @returns undefined elsewhere */
export const volumeOfPrograms = (env: NodeJS.ProcessEnv): string | undefined =>
  isContained(env)
    ? `Start the container with --volume ${OF_PROGRAMS} as well, and those of the programs, too. A directory of the host in its place must belong to the user of the image.`
    : undefined;

/** A text with the advice of an image in place of a machine's. */
export const inImage = (text: string): string =>
  Object.entries(OF_IMAGE)
    .reduce((told, [code, advice]) => told.replaceAll(CODES[code as Code].advice, advice), text)
    // What was done, and not what to do.
    .replaceAll(CODES['NL-STATE-DECOMMISSIONED'].means, 'This gateway was given up.');

/** Whether this is the image of Dockerfile.arm64. */
export const isContained = ({ NEWLEAF_CONTAINER }: NodeJS.ProcessEnv): boolean => NEWLEAF_CONTAINER === '1';

/** Docker and podman name a container by the beginning of its ID, where it gets no name: the next one has another. */
export const isRandomName = (host: string, env: NodeJS.ProcessEnv): boolean =>
  isContained(env) && /^[0-9a-f]{12}\b/.test(host);

/** The line of systemd/container.md that starts the daemon. */
export const STARTING = [
  'docker run --name newleaf --detach --restart always',
  '--read-only --cap-drop ALL --security-opt no-new-privileges --ulimit core=0',
  '--log-opt max-size=5m --log-opt max-file=3',
  ...[IN_MEMORY, mounts(OF_STATE, `${OF_CONFIGURATION}:ro`)].map((words) => words.join(' ')),
  'newleaf',
].join(' ');

/** Advice for `init`, where this user may not use a directory: a container is root only where its engine is told so. */
export function asRoot(directory: string, env: NodeJS.ProcessEnv, mounts = textOf(MOUNTS)): string {
  const mount = readOnlyMount(directory, mounts);
  if (mount === '/' && isContained(env)) return `It is to be a volume: --volume ${directory}:${directory}`;
  const volume = isContained(env) ? ', without `:ro` in its volume' : '';
  if (mount !== undefined) return `${mount} is mounted read-only: mount it for writing${volume}, and run it again`;
  if (!isContained(env)) return 'Run it as root: `newleaf init`';
  const owner = `${process.geteuid?.()}:${process.getegid?.()}`;
  return `Give it to the user of this container: \`docker run --rm --user 0 --volume ${directory}:${directory} --entrypoint chown newleaf -R ${owner} ${directory}\``;
}

const MOUNTS = '/proc/self/mountinfo';
const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

/** The mount of a path, where it is read-only. */
function readOnlyMount(path: string, mounts: string): string | undefined {
  const found = mounts.split('\n').flatMap((line) => {
    // proc(5): ID, parent, device, root, mount point, options; the last one at a place hides those before.
    const [, , , , point = '', options = ''] = line.split(' ');
    const isAbove = point === '/' || path === point || path.startsWith(`${point}/`);
    return isAbove && point !== '' ? [{ point, isReadOnly: options.split(',').includes('ro') }] : [];
  });
  const [nearest] = found.toReversed().toSorted((one, other) => other.point.length - one.point.length);
  return nearest?.isReadOnly ? nearest.point : undefined;
}
