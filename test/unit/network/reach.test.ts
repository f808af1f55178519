import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, beforeEach, suite, type TestContext, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { createDps } from '../../../agent/dps/registration.ts';
import { createHub } from '../../../agent/hub/session.ts';
import { TRY_BACK_MS } from '../../../agent/network/choice.ts';
import { Network, type NetworkSettings } from '../../../agent/network/network.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { deafen } from '../../deaf.ts';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { HttpProxy } from '../../simulator/proxy.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { codeOf, never } from '../hub/hub-side.ts';
import { leafNamed } from '../mqtt/certificates.ts';

let far: Simulator;
let leaf: ClientIdentity;
/** Where DPS and hub have both ports, as in Azure. */
let dps: string;
let hub: string;

const hostIn = (connectionString: string) => /HostName=([^;]+)/.exec(connectionString)?.[1] ?? '';

before(async () => {
  far = await startSimulator({ switches: { secondDpsConnect: 'keep-both' } });
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  leaf = await far.clientIdentity('gw-0001');
  [dps, hub] = [hostIn(far.endpoints.dpsService), hostIn(far.endpoints.hub1Service)] as [string, string];
  await far.writeDevice('hub1', 'gw-0001', leaf.thumbprint);
});
after(() => far.close());
beforeEach(async () => {
  for (const server of ['dps', 'hub1'] as const) {
    for (const fault of ['port-closed', 'silent', 'websocket-status', 'connack', 'close-before-connack'] as const)
      await far.lift(server, fault);
  }
  await far.set({ webSocketCertificate: 'handshake' });
});

interface Side {
  register(): Promise<string>;
  /** Connects, and ends the session. */
  connect(): Promise<string>;
  readonly changes: readonly string[];
  /** Moves the clock. */
  pass(ms: number): void;
}

function gateway(settings: Partial<NetworkSettings> = {}, at = { dps, hub }, connectMs = 700): Side {
  let now = 0;
  const changes: string[] = [];
  const given = { transport: 'auto', proxy_username: '', no_proxy: [], ...settings } as const;
  const { reach } = new Network({
    settings: given,
    now: () => now,
    changed: (to) => changes.push(to),
    connectMs: 2_000,
    aloneMs: 100,
  });
  const { cert, key } = leaf;
  const connector = connectorOf(createSecureContext({ ca: far.endpoints.trustPem, cert, key }));
  const shared = { connectorFor: async () => connector, reach, connectMs };
  const { idScope } = far.endpoints;
  const registering = createDps({ ...shared, endpoint: at.dps, idScope, registrationId: 'gw-0001' });
  return {
    changes,
    pass: (ms) => {
      now += ms;
    },
    register: () => codeOf(registering.register(leafNamed('AA'), never)),
    async connect() {
      const session = createHub({ ...shared, answer: async () => ({ status: 200, body: {} }), version: '1' });
      const code = await codeOf(session.connect(leafNamed('AA'), { hub: at.hub, deviceId: 'gw-0001' }, never));
      await session.close();
      return code;
    },
  };
}

/** One that has found 8883 closed, and 443 open; 8883 is open again. */
async function remembering(): Promise<Side> {
  const side = gateway();
  await far.lay('hub1', 'port-closed');
  assert.equal(await side.connect(), 'fulfilled');
  await far.lift('hub1', 'port-closed');
  return side;
}

/** A firewall that takes connections to 8883, and resets them at the ClientHello. */
async function cuttingTls(t: TestContext, host: string): Promise<void> {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.resetAndDestroy()));
  server.listen(8883, host);
  await once(server, 'listening');
  t.after(() => server.close());
}

const webSockets = () => far.log.count({ event: 'websocket' });
const connacks = () => far.log.count({ event: 'connack' });

suite('over each way', () => {
  test('MQTT over TLS: nothing else is touched', async () => {
    const before = webSockets();
    const side = gateway();
    assert.deepEqual([await side.register(), await side.connect()], ['fulfilled', 'fulfilled']);
    assert.equal(webSockets(), before);
    assert.deepEqual(side.changes, []);
  });

  for (const webSocketCertificate of ['handshake', 'renegotiation'] as const) {
    test(`WebSockets, and the certificate is asked for by ${webSocketCertificate}`, async () => {
      await far.set({ webSocketCertificate });
      const before = webSockets();
      const { dps, hub1: hub } = far.endpoints;
      const side = gateway({ transport: 'mqtt-ws' }, { dps, hub });
      assert.deepEqual([await side.register(), await side.connect()], ['fulfilled', 'fulfilled']);
      assert.equal(webSockets(), before + 2);
      const shown = far.log.entries.filter(({ event }) => event === 'websocket').slice(-2);
      assert.deepEqual(
        shown.map(({ thumbprint }) => thumbprint),
        [leaf.thumbprint, leaf.thumbprint],
      );
    });
  }

  test('through a proxy that allows 443 only: 8883 is refused once, and 443 is remembered', async () => {
    await using proxy = await HttpProxy.start();
    proxy.fault = { port: 8883, status: 403 };
    const side = gateway({ proxy: proxy.url });
    assert.deepEqual([await side.register(), await side.connect()], ['fulfilled', 'fulfilled']);
    assert.deepEqual(
      proxy.asked.map(({ to }) => to),
      [`${dps}:8883`, `${dps}:443`, `${hub}:443`],
    );
    assert.deepEqual(side.changes, ['mqtt-ws']);
  });

  test('through a proxy that waits for 8883 in vain: 443 follows', async () => {
    await using proxy = await HttpProxy.start();
    proxy.fault = { port: 8883, hang: true };
    const side = gateway({ proxy: proxy.url });
    assert.deepEqual([await side.register(), side.changes], ['fulfilled', ['mqtt-ws']]);
  });

  test('past the proxy, where it is an exception', async () => {
    await using proxy = await HttpProxy.start();
    const side = gateway({ proxy: proxy.url, no_proxy: [dps] });
    assert.deepEqual([await side.register(), await side.connect()], ['fulfilled', 'fulfilled']);
    assert.deepEqual(
      proxy.asked.map(({ to }) => to),
      [`${hub}:8883`],
    );
  });
});

suite('auto', () => {
  for (const fault of ['port-closed', 'silent'] as const) {
    test(`8883 is ${fault}: 443 in the same attempt, remembered, and 8883 is tried back after a day`, async () => {
      await far.lay('hub1', fault);
      const side = gateway();
      const before = [webSockets(), connacks()];
      assert.equal(await side.connect(), 'fulfilled');
      assert.deepEqual([webSockets(), connacks()], [(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
      assert.deepEqual(side.changes, ['mqtt-ws']);

      await far.lift('hub1', fault);
      assert.equal(await side.connect(), 'fulfilled');
      assert.equal(webSockets(), (before[0] ?? 0) + 2, 'it is remembered');
      side.pass(TRY_BACK_MS);
      assert.equal(await side.connect(), 'fulfilled');
      assert.equal(webSockets(), (before[0] ?? 0) + 2, '8883 again');
      assert.deepEqual(side.changes, ['mqtt-ws', 'mqtt']);
    });
  }

  test('packets to 8883 are dropped: 443 begins beside it, and 8883 is not waited for', async (t) => {
    await far.lay('hub1', 'port-closed');
    await deafen(t, 8883, hub);
    const [side, before, began] = [gateway({}, { dps, hub }, 60_000), connacks(), performance.now()];
    assert.equal(await side.connect(), 'fulfilled');
    assert.ok(performance.now() - began < 30_000);
    assert.deepEqual([connacks(), side.changes], [before + 1, ['mqtt-ws']]);
  });

  test('8883 takes the connection, and is slow after that: it is waited for', async () => {
    await far.lay('hub1', 'slow-tls', { ms: 400 });
    const before = [webSockets(), connacks()];
    const side = gateway();
    assert.equal(await side.connect(), 'fulfilled');
    await far.lift('hub1', 'slow-tls');
    assert.deepEqual([webSockets(), connacks()], [before[0], (before[1] ?? 0) + 1], 'a slow TLS changes nothing');
    assert.deepEqual(side.changes, []);
  });

  test('after any CONNACK there is no second way', async () => {
    await far.lay('hub1', 'connack', { code: 5 });
    const before = [webSockets(), connacks()];
    const side = gateway();
    assert.equal(await side.connect(), 'NL-HUB-REJECTED');
    assert.deepEqual([webSockets(), connacks()], [before[0], (before[1] ?? 0) + 1]);
    assert.deepEqual(side.changes, []);
  });

  test('a refusal over 443 counts like one over 8883', async () => {
    await far.lay('hub1', 'port-closed');
    await far.lay('hub1', 'connack', { code: 5 });
    const side = gateway();
    assert.equal(await side.connect(), 'NL-HUB-REJECTED');
    assert.deepEqual(side.changes, ['mqtt-ws'], 'the way works');
  });

  for (const [fault, options, code] of [
    ['websocket-status', { status: 502 }, 'NL-NETWORK-WEBSOCKET'],
    ['websocket-status', { status: 302 }, 'NL-NETWORK-PORTAL'],
    ['close-before-connack', {}, 'NL-HUB-CLOSED'],
    ['no-connack', {}, 'NL-HUB-CLOSED'],
  ] as const) {
    test(`443 is remembered, and meets ${fault} ${JSON.stringify(options)}: the next connect is over 8883`, async () => {
      const side = await remembering();
      await far.lay('hub1', fault, { ...options, times: 1 });
      assert.equal(await side.connect(), code);
      const before = webSockets();
      assert.equal(await side.connect(), 'fulfilled');
      assert.equal(webSockets(), before, 'over 8883');
      assert.deepEqual(side.changes, ['mqtt-ws', 'mqtt']);
    });
  }

  test('443 is remembered, and refuses the identity: that is an answer', async () => {
    const side = await remembering();
    await far.lay('hub1', 'connack', { code: 5, times: 1 });
    const before = webSockets();
    assert.deepEqual([await side.connect(), await side.connect()], ['NL-HUB-REJECTED', 'fulfilled']);
    assert.deepEqual([webSockets(), side.changes], [before + 2, ['mqtt-ws']]);
  });

  test('443 is remembered, and no way gets a CONNACK: one connection for each connect, and nothing is changed', async () => {
    const side = await remembering();
    await far.lay('hub1', 'close-before-connack');
    const meetings = () => far.log.count({ event: 'fault', reason: 'close-before-connack' });
    const before = meetings();
    for (const _ of [1, 2, 3, 4]) assert.equal(await side.connect(), 'NL-HUB-CLOSED');
    assert.deepEqual([meetings(), side.changes], [before + 4, ['mqtt-ws']]);
    await far.lift('hub1', 'close-before-connack');
    assert.equal(await side.connect(), 'fulfilled');
  });

  test('443 gets no CONNACK in place of 8883: it does not count as a way that works', async () => {
    await far.lay('hub1', 'port-closed');
    await far.lay('hub1', 'close-before-connack', { times: 1 });
    const side = gateway();
    assert.equal(await side.connect(), 'NL-HUB-CLOSED');
    assert.deepEqual(side.changes, []);
  });

  test('8883 is cut at the ClientHello: 443 in the same attempt', async (t) => {
    await far.lay('hub1', 'port-closed');
    await cuttingTls(t, hub);
    const [side, before] = [gateway(), webSockets()];
    assert.equal(await side.connect(), 'fulfilled');
    assert.deepEqual([webSockets(), side.changes], [before + 1, ['mqtt-ws']]);
  });

  for (const [fault, code] of [
    ['tls-alert-early', 'NL-HUB-CLOSED'],
    ['untrusted-server', 'NL-HUB-UNTRUSTED'],
  ] as const) {
    test(`8883 meets ${fault}: that is an answer`, async () => {
      await far.lay('hub1', fault, { times: 1 });
      const [side, before] = [gateway(), webSockets()];
      assert.equal(await side.connect(), code);
      assert.deepEqual([webSockets(), side.changes], [before, []]);
    });
  }

  test('neither port: the failure of the first, and nothing is remembered', async () => {
    const side = gateway({}, { dps: '127.1.1.1', hub: '127.1.1.1' });
    assert.deepEqual([await side.register(), await side.connect()], ['NL-DPS-UNREACHABLE', 'NL-HUB-UNREACHABLE']);
    assert.deepEqual(side.changes, []);
  });
});

suite('HTTP in place of WebSockets', () => {
  for (const [status, code] of [
    [302, 'NL-NETWORK-PORTAL'],
    [200, 'NL-NETWORK-PORTAL'],
    [403, 'NL-NETWORK-WEBSOCKET'],
    [503, 'NL-NETWORK-WEBSOCKET'],
  ] as const) {
    test(`${status}`, async () => {
      await far.lay('hub1', 'websocket-status', { status });
      await far.lay('dps', 'websocket-status', { status });
      const side = gateway({ transport: 'mqtt-ws' });
      assert.deepEqual([await side.register(), await side.connect()], [code, code]);
    });
  }
});
