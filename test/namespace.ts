import { spawnSync } from 'node:child_process';

const INSIDE = 'NEWLEAF_TEST_NAMESPACE';

/**
 * Runs the calling test file a second time, by a command that gives it a place of its own. Answers true inside, where the
 * tests are to be declared. The results reach the runner by the inherited stdout, so they are reported one by one.
 */
export function inside(file: string, [program = '', ...args]: readonly string[]): boolean {
  if (process.env[INSIDE] === '1') return true;
  const node = [process.execPath, ...process.execArgv, file];
  const env = { ...process.env, [INSIDE]: '1' };
  const { status, error } = spawnSync(program, [...args, ...node], { stdio: 'inherit', env });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
  return false;
}

/** In a network namespace with nothing but loopback: for servers that bind to every address and to a fixed port. */
export function insideNetworkNamespace(file: string): boolean {
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  return inside(file, ['unshare', '--net', ...user, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']);
}

/**
 * argv that runs a command whose mounts are its own. The root of a chroot is no mount point, and `unshare --propagation
 * private` refuses it.
 */
export function withOwnMounts(): readonly string[] {
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const script = '! mountpoint -q / || mount --make-rprivate / && exec "$@"';
  return ['unshare', '--mount', ...user, '--propagation', 'unchanged', 'sh', '-c', script, 'sh'];
}
