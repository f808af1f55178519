import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { reachServer } from '../../agent/cli/proof/dial.ts';
import { createTpmDps } from '../../agent/dps/tpm/attest.ts';
import { exchange } from '../../agent/issuer/exchange.ts';
import { Tap } from '../../agent/mqtt/tap.ts';
import { dialPatiently } from '../../agent/time/dialling.ts';
import { connectorOf } from '../../hsm/connector.ts';
import { HttpsSide, SoftTpm } from './dps/https-side.ts';
import { LOOPBACK, leafNamed, TestCa } from './mqtt/certificates.ts';
import { FarSide } from './mqtt/far-side.ts';
import { quiet } from './mqtt/quiet.ts';
import { slowLink } from './mqtt/slow-link.ts';

quiet();
dialPatiently();
const ca = new TestCa();
const server = ca.issue('far', LOOPBACK);
const connector = ca.connector(ca.issue('gw-0001'));
const trust = connectorOf(createSecureContext({ ca: ca.cert }));
const never = new AbortController().signal;

/** Above the pause after which the kernel sends a second SYN, and far above the 250 ms of Node's happy eyeballs. */
const SLOW_MS = 900;

async function taking(work: () => Promise<unknown>): Promise<void> {
  const from = performance.now();
  await work();
  assert.ok(performance.now() - from > SLOW_MS, 'the link was not slow');
}

suite('a name with two addresses, of which one is slow and the other dead, is reached over a link of a second', () => {
  test('MQTT: DPS and hub', async () => {
    await using far = await FarSide.start(server);
    await using link = await slowLink(far.port);
    await taking(async () => {
      const tap = new Tap({ host: `localhost:${link.port}`, connector, connectMs: 20_000, admit: () => true });
      tap.connect('', { clientId: 'gw-0001' }).once('connect', () => tap.end());
      await tap.closed;
      assert.deepEqual(tap.attempt, { phase: 'connected', connack: 0 });
    });
  });

  test('HTTPS: DPS for a TPM', async () => {
    await using far = await HttpsSide.start(server, [[404, '{"errorCode":404201}']]);
    await using link = await slowLink(Number(far.host.split(':')[1]));
    const dps = createTpmDps({
      endpoint: `localhost:${link.port}`,
      idScope: '0ne0',
      registrationId: 'gw-0001',
      tpm: new SoftTpm(),
      connectorFor: async () => trust,
      now: Date.now,
    });
    await taking(() => assert.rejects(dps.register(leafNamed('AB'), never), { message: /registration ID/ }));
  });

  test('EST', async () => {
    await using far = await HttpsSide.start(server, [[204, '']]);
    await using link = await slowLink(Number(far.host.split(':')[1]));
    await taking(async () => {
      const url = `https://localhost:${link.port}/cacerts`;
      const asked = { method: 'GET', url, tls: { ca: ca.cert }, maxBytes: 1_000, signal: never } as const;
      assert.equal((await exchange(asked)).status, 204);
    });
  });

  test('what `newleaf check` and `newleaf init` try', async () => {
    await using far = await FarSide.start(server);
    await using link = await slowLink(far.port);
    await taking(async () => {
      const socket = await reachServer('localhost', ['127.0.0.1', '127.0.0.2'], link.port, 10_000);
      socket.destroy();
      await once(socket, 'close');
    });
  });
});

test('what `newleaf check` tries is given as much time for each address, so that the next one has its turn', async (t) => {
  setDefaultAutoSelectFamilyAttemptTimeout(300);
  t.after(dialPatiently);
  await using far = await FarSide.start(server);
  await using link = await slowLink(far.port, 3_000);
  const other = createServer((socket) => socket.end()).listen(link.port, '127.0.0.2');
  await once(other, 'listening');
  const socket = await reachServer('localhost', ['127.0.0.1', '127.0.0.2'], link.port, 250);
  assert.equal(socket.remoteAddress, '127.0.0.2');
  socket.destroy();
  other.close();
  await once(other, 'close');
});

test('the program dials so, whatever its command is', () => {
  const told =
    'process.on("exit", () => console.error(require("node:net").getDefaultAutoSelectFamilyAttemptTimeout()))';
  const preload = `data:text/javascript,import { createRequire } from 'node:module'; const require = createRequire('/'); ${told}`;
  const main = join(import.meta.dirname, '..', '..', 'agent', 'main.ts');
  const argv = [
    ...process.execArgv.filter((option) => !option.startsWith('--test')),
    '--import',
    preload,
    main,
    'version',
  ];
  const { stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  assert.match(stderr, /^10000$/m);
});

test('the deadline of a connect holds all the same', async () => {
  await using far = await FarSide.start(server);
  await using link = await slowLink(far.port, 3_000);
  const from = performance.now();
  const tap = new Tap({ host: `localhost:${link.port}`, connector, connectMs: 400, admit: () => true });
  tap.connect('', { clientId: 'gw-0001' });
  await tap.closed;
  assert.deepEqual([tap.attempt.phase, tap.attempt.socketError], ['tcp', 'ETIMEDOUT']);
  const took = performance.now() - from;
  assert.ok(took < 2_900, `${took} ms: the link has answered`);
});
