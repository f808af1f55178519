import { spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { mock } from 'node:test';

/** In front of a server on 127.0.0.1: takes no connection while it is busy, for as long as it is told in milliseconds. */
const GATE = `
  const net = require('node:net');
  const [target, ms] = process.argv.slice(1).map(Number);
  const gate = net.createServer((near) => {
    const far = net.connect(target, '127.0.0.1');
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  gate.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(gate.address().port));
  process.stdin.once('data', () => {
    console.log('busy');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  });
`;

/** What net.connect makes of a full queue of connections: the first SYN is lost, the second follows after a second (RFC 6298). */
export interface SlowLink extends AsyncDisposable {
  readonly port: number;
}

/**
 * A link on which a TCP connection takes more than a second, to a name that stands for two addresses: this one, and one
 * where nobody listens. DNS64 and dual stack look like that.
 * @param busyMs more than a second and a half is more than two SYNs
 */
export async function slowLink(target: number, busyMs = 500): Promise<SlowLink> {
  const gate = spawn(process.execPath, ['--eval', GATE, '--', `${target}`, `${busyMs}`]);
  const lines = createInterface(gate.stdout)[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  gate.stdin.write('\n');
  await lines.next();
  const filling: Socket[] = [];
  for (let one = 0; one < 2; one += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    filling.push(socket);
  }
  const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  const lookup = mock.method(dns, 'lookup', (name: string, ...rest: readonly unknown[]) => {
    // A server that is to listen asks for its own address: Node 20 with no options, Node 22 with `all`.
    const found = isIP(name) === 0 ? addresses : [{ address: name, family: 4 }];
    const done = rest.at(-1) as (...found: readonly unknown[]) => void;
    process.nextTick(done, null, ...(rest.length === 1 ? [name, 4] : [found]));
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      lookup.mock.restore();
      for (const socket of filling) socket.destroy();
      gate.kill();
      await once(gate, 'close');
    },
  };
}
