import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { connectorBy } from '../../../hsm/stunnel.ts';

test('a directory that takes no file ends the connection, and not the process', async (t) => {
  const far = createServer((socket) => socket.on('error', () => {}).resume());
  await once(far.listen(0, '127.0.0.1'), 'listening');
  t.after(() => far.close());
  const { port } = far.address() as AddressInfo;
  const nowhere = {
    helper: { stunnel: '/bin/false', provider: '/pkcs11.so' },
    directory: '/nonexistent',
    pin: 0,
    module: '/m.so',
    uri: 'pkcs11:token=a',
    chain: '',
    ca: '',
    maxVersion: undefined,
    isPkcs1: false,
  };
  const tls = connectorBy(nowhere, async (error) => error).connect({ host: '127.0.0.1', port });
  const [error] = await once(tls, 'error');
  assert.equal(error.code, 'ENOENT');
  assert.equal(tls.destroyed, true);
});
