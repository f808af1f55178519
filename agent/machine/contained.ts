import type { Rewriting } from './printed.ts';

/** What systemd does for a unit, the engine does for a container: the words of both that mean the same. */
const ENGINE: Readonly<Record<string, string>> = { start: 'start', stop: 'stop', restart: 'restart', disable: 'stop' };

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
    return docker(same ?? 'inspect', 'newleaf');
  }
  if (program === 'journalctl') return docker('logs', 'newleaf');
  if (program === 'apt-get' && verb === 'install')
    return docker('build', '--file', 'Dockerfile.arm64', '--build-arg', `MODULE="${rest.join(' ')}"`, '.');
  if (program === 'man') return { sudo: false, program: 'newleaf', args: ['help'] };
  return sudo ? { ...command, sudo: false } : command;
};

/** Whether this is the image of Dockerfile.arm64. */
export const isContained = ({ NEWLEAF_CONTAINER }: NodeJS.ProcessEnv): boolean => NEWLEAF_CONTAINER === '1';
