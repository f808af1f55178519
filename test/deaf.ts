import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';

/** Linux keeps one connection more than the backlog waiting, and drops what comes after that (listen(2)). */
const BACKLOG = 1;

/** Listens, and never takes a connection. */
const LISTEN = `require('node:net').createServer().listen(+process.argv[1], process.argv[2], ${BACKLOG}, () => {
  require('node:fs').writeSync(1, 'listening');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
})`;

/** A port on which nobody answers, as behind a firewall that drops packets; until the test ends. */
export async function deafen(t: Pick<TestContext, 'after'>, port: number, address = '127.0.0.1'): Promise<void> {
  const child = spawn(process.execPath, ['-e', LISTEN, String(port), address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await once(child.stdout, 'data');
  for (let filled = 0; filled <= BACKLOG; filled += 1) {
    const filling = connect(port, address).on('error', () => {});
    t.after(() => filling.destroy());
    await once(filling, 'connect');
  }
}
