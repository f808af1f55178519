import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { startSimulator } from '../../simulator/simulator.ts';
import { Gateway } from '../stage/gateway.ts';

const PAGE = 'HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

test('a captive portal that answers with its page is named as one, and costs neither leaf nor registration', async (t) => {
  const far = await startSimulator();
  const portal = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(PAGE)));
  portal.listen(0, '127.0.0.1');
  await once(portal, 'listening');
  const { port } = portal.address() as AddressInfo;
  const settings = {
    'dps.endpoint': `"localhost:${port}"`,
    'issuer.est.url': `"https://localhost:${port}/.well-known/est"`,
  };
  const gateway = new Gateway(far.endpoints, { settings });
  t.after(async () => {
    await gateway.remove();
    await far.close();
    portal.close();
  });
  await gateway.start();
  await gateway.log.waitFor(({ code }) => code !== undefined);
  const { out } = await gateway.command('check');
  assert.match(out, /failed +dps-reach .*does not speak TLS: a captive portal or a proxy/);
  assert.equal(far.log.count({ event: 'issued' }), 0);
  assert.equal(far.log.registrations('gw-0001'), 0);
  assert.ok(gateway.token.privateKeys().length <= 1);
});
