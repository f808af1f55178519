import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { shake } from '../../../../agent/cli/proof/handshakes.ts';
import type { TlsConnector } from '../../../../hsm/connector.ts';

/** A TLS stream that emits these, one after the other, in one turn of the event loop. */
const connectorThat = (...events: readonly string[]): TlsConnector => ({
  connect: () => {
    const stream = new PassThrough();
    setImmediate(() => {
      for (const event of events) stream.emit(event);
      if (events.at(-1) === 'close') stream.destroy();
    });
    return Object.assign(stream, {
      authorizationError: undefined,
      getProtocol: () => 'TLSv1.3',
      setNoDelay: () => undefined,
      destroySoon: () => stream.destroy(),
    });
  },
});

test('a ticket that is told in the same turn as the end of the handshake is the verdict', async (t) => {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const shown = (...events: readonly string[]) =>
    shake(`127.0.0.1:${(server.address() as AddressInfo).port}`, connectorThat(...events), async () => undefined);
  assert.deepEqual(await shown('secureConnect', 'session'), { verdict: 'taken', protocol: 'TLSv1.3' });
  const refused = await shown('secureConnect', 'close');
  assert.equal(refused.verdict, 'refused');
});
