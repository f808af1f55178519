import { spawnSync } from 'node:child_process';

const INSIDE = 'NEWLEAF_TEST_NAMESPACE';

/**
 * Runs the calling test file a second time, in a network namespace of its own with nothing but loopback: for servers
 * that bind to every address and to a fixed port. Answers true inside, where the tests are to be declared. The results
 * reach the runner by the inherited stdout, so they are reported one by one.
 */
export function insideNetworkNamespace(file: string): boolean {
  if (process.env[INSIDE] === '1') {
    return true;
  }
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const node = [process.execPath, ...process.execArgv, file];
  const { status, error } = spawnSync(
    'unshare',
    ['--net', ...user, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...node],
    { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } },
  );
  if (error !== undefined) {
    throw error;
  }
  process.exitCode = status ?? 1;
  return false;
}
