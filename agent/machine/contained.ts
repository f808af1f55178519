import type { Rewriting } from './printed.ts';

/**
 * What systemd does for a unit, the engine does for a container: the words of both that mean the same. The other verbs are about
 * the unit itself, and are printed only after a look at it.
 */
const ENGINE: Readonly<Record<string, string>> = { start: 'start', stop: 'stop', restart: 'restart', disable: 'stop' };
/** Only root may use these, and in the container of the daemon even root may not. */
const OF_FILES = ['chmod', 'chown', 'install', 'rm'];

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
  if (OF_FILES.includes(program)) {
    const asRoot = ['--rm', '--user', '0', '--volumes-from', 'newleaf:rw', '--entrypoint', program];
    return docker('run', ...asRoot, 'newleaf', ...args);
  }
  // The image has no opensc.
  if (program === 'pkcs11-tool' && args.some((word) => word === '-L' || word === '-O')) return check;
  if (program === 'journalctl') return docker('logs', 'newleaf');
  if (program === 'apt-get' && verb === 'install')
    return docker('build', '--file', 'Dockerfile.arm64', '--build-arg', `MODULE="${rest.join(' ')}"`, '.');
  if (program === 'man') return { sudo: false, program: 'newleaf', args: ['help'] };
  return sudo ? { ...command, sudo: false } : command;
};

/** Whether this is the image of Dockerfile.arm64. */
export const isContained = ({ NEWLEAF_CONTAINER }: NodeJS.ProcessEnv): boolean => NEWLEAF_CONTAINER === '1';

/** Docker and podman name a container by the beginning of its ID, where it gets no name: the next one has another. */
export const isRandomName = (host: string, env = process.env): boolean =>
  isContained(env) && /^[0-9a-f]{12}\b/.test(host);

/** Advice for `init`, where this user may not use a directory: a container is root only where its engine is told so. */
export function asRoot(directory: string, env = process.env): string {
  if (!isContained(env)) return 'Run it as root: `newleaf init`';
  const owner = `${process.geteuid?.()}:${process.getegid?.()}`;
  return `Give it to the user of this container: \`docker run --rm --user 0 --volume ${directory}:${directory} --entrypoint chown newleaf -R ${owner} ${directory}\``;
}
