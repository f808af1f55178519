import assert from 'node:assert/strict';
import { connect as tcpConnect } from 'node:net';
import { after, before, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type FaultName, type FaultOptions, Faults } from '../../simulator/faults.ts';
import { Log } from '../../simulator/log.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { knockHub } from './raw.ts';

let simulator: Simulator;
let leaf: ClientIdentity;

before(async () => {
  simulator = await startSimulator();
  leaf = await simulator.clientIdentity('gw-1');
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
});
after(() => simulator.close());

const arrive = (options = {}) => knockHub(simulator.endpoints, simulator.endpoints.hub1, 'gw-1', leaf, options);

/** What the client sees of a fault of TCP, TLS or CONNECT, laid once; the next attempt must go through. */
const seen: readonly [FaultName, FaultOptions, { connack?: number; error?: RegExp }][] = [
  // Where localhost has two addresses, node tries the other one, too, and tells of that.
  ['reset', {}, { error: /ECONNRE(SET|FUSED)/ }],
  ['untrusted-server', {}, { error: /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE/ }],
  ['wrong-host', {}, { error: /ERR_TLS_CERT_ALTNAME_INVALID/ }],
  ['tls-refuses-client', {}, {}],
  ['tls-alert-early', { code: 42 }, { error: /SSL alert number 42/ }],
  ['tls-alert', { code: 45 }, { error: /SSL alert number 45/ }],
  ['tls-alert', { code: 48 }, { error: /SSL alert number 48/ }],
  ['close-before-connack', {}, {}],
  ['connack', { code: 1 }, { connack: 1 }],
  ['connack', { code: 2 }, { connack: 2 }],
  ['connack', { code: 3 }, { connack: 3 }],
  ['connack', { code: 4 }, { connack: 4 }],
  ['connack', { code: 5 }, { connack: 5 }],
];
for (const [name, options, { connack, error }] of seen) {
  test(`${name} ${JSON.stringify(options)}, once`, async () => {
    await simulator.lay('hub1', name, { ...options, times: 1 });
    const got = await arrive();
    assert.equal(got.connack, connack);
    assert.match(got.error ?? '', error ?? /^$/);
    const again = await arrive();
    assert.equal(again.connack, 0);
    again.client.end(true);
  });
}

test('port-closed refuses until lifted, and cuts the live session; the port stays the same', async () => {
  const { client } = await arrive();
  const cut = new Promise((resolve) => client.once('close', resolve));
  await simulator.lay('hub1', 'port-closed');
  await cut;
  assert.match((await arrive()).error ?? '', /ECONNREFUSED/);
  await simulator.lift('hub1');
  const again = await arrive();
  assert.equal(again.connack, 0);
  again.client.end(true);
});

test('slow-tls answers the ClientHello later', async () => {
  await simulator.lay('hub1', 'slow-tls', { ms: 300, times: 1 });
  const from = performance.now();
  const { connack, client } = await arrive();
  assert.equal(connack, 0);
  assert.ok(performance.now() - from >= 300);
  client.end(true);
});

test('silent accepts TCP and does not answer the ClientHello', async () => {
  await simulator.lay('hub1', 'silent', { times: 1 });
  const since = simulator.log.entries.length;
  const socket = tcpConnect(Number(simulator.endpoints.hub1.split(':')[1]), '127.0.0.1');
  const tls = tlsConnect({ socket, ca: simulator.endpoints.trustPem, servername: 'localhost' });
  tls.on('error', () => undefined);
  await simulator.log.waitFor({ event: 'fault', reason: 'silent' }, 60_000, since);
  // Another client gets all the way through meanwhile.
  (await arrive()).client.end(true);
  assert.equal(socket.bytesRead, 0);
  socket.destroy();
});

test('no-connack answers CONNECT never, delay-connack later', async () => {
  await simulator.lay('hub1', 'no-connack', { times: 1 });
  assert.equal((await arrive({ connectTimeout: 100 })).connack, undefined);
  await simulator.lay('hub1', 'delay-connack', { ms: 100, times: 1 });
  const begun = Date.now();
  const { client, connack } = await arrive();
  assert.equal(connack, 0);
  assert.ok(Date.now() - begun >= 100);
  client.end(true);
});

for (const ms of [0, 50]) {
  test(`accept-then-close ends the session ${ms} ms after CONNACK 0`, async () => {
    await simulator.lay('hub1', 'accept-then-close', { ms, times: 1 });
    const since = simulator.log.entries.length;
    assert.equal((await arrive()).connack, 0);
    await simulator.log.waitFor({ event: 'disconnected', reason: 'fault' }, 60_000, since);
  });
}

/** Faults that swallow one packet: the request has no answer, and the packet after it has. */
const swallowed: readonly [
  FaultName,
  (client: Awaited<ReturnType<typeof arrive>>['client'], done: () => void) => void,
][] = [
  ['no-suback', (client, done) => void client.subscribe('$iothub/twin/res/#', done)],
  ['no-unsuback', (client, done) => void client.unsubscribe('$iothub/twin/res/#', done)],
  ['no-puback', (client, done) => void client.publish('devices/gw-1/messages/events/', 'x', { qos: 1 }, done)],
];
for (const [name, ask] of swallowed) {
  test(`${name}, once`, async () => {
    const { client } = await arrive();
    await simulator.lay('hub1', name, { times: 1 });
    let answered = 0;
    ask(client, () => {
      answered += 1;
    });
    await new Promise<void>((resolve) => ask(client, resolve));
    assert.equal(answered, 0);
    client.end(true);
  });
}

test('no-pingresp', async () => {
  await simulator.lay('hub1', 'no-pingresp', { times: 1 });
  const { client } = await arrive({ keepalive: 1, reschedulePings: false });
  await new Promise((resolve) => client.once('close', resolve));
  await simulator.log.waitFor({ event: 'fault', reason: 'no-pingresp' });
});

test('idle-end ends a session in which there was no packet for so long', async () => {
  await simulator.lay('hub1', 'idle-end', { ms: 200, times: 1 });
  const since = simulator.log.entries.length;
  const { client } = await arrive();
  const from = performance.now();
  const talk = setInterval(() => client.publish('devices/gw-1/messages/events/', 'x'), 20);
  setTimeout(() => clearInterval(talk), 300);
  await simulator.log.waitFor({ event: 'disconnected', reason: 'idle' }, 5_000, since);
  assert.ok(performance.now() - from >= 400, 'packets keep it open');
});

for (const [name, end] of [
  ['idle-reset', 'idle'],
  ['idle-drop', 'closed by the client'],
] as const) {
  test(`${name} forgets such a session: a ping has no answer, and the end is ${end}`, async () => {
    await simulator.lay('hub1', name, { ms: 100, times: 1 });
    const since = simulator.log.entries.length;
    const { client } = await arrive({ keepalive: 1, reschedulePings: false });
    let answers = 0;
    client.on('packetreceive', ({ cmd }) => {
      if (cmd === 'pingresp') answers += 1;
    });
    await simulator.log.waitFor({ event: 'disconnected', reason: end }, 5_000, since);
    assert.equal(answers, 0);
  });
}

test('transient-5 refuses what it will accept a little later', async () => {
  await simulator.lay('hub1', 'transient-5', { times: 2 });
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
  const codes = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const { connack, client } = await arrive();
    codes.push(connack);
    client.end(true);
  }
  await simulator.lay('hub1', 'transient-5', { ms: 60_000 });
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
  codes.push((await arrive()).connack);
  await simulator.lift('hub1');
  assert.deepEqual(codes, [5, 5, 0, 5]);
});

test('no-twin and twin-status', async () => {
  const { client } = await arrive();
  await new Promise((resolve) => client.subscribe('$iothub/twin/res/#', resolve));
  await simulator.lay('hub1', 'no-twin', { times: 1 });
  await simulator.lay('hub1', 'twin-status', { status: 429, times: 1 });
  const topics: string[] = [];
  const answers = new Promise<void>((resolve) => {
    client.on('message', (topic) => topics.push(topic) === 2 && resolve());
  });
  for (const rid of [1, 2, 3]) client.publish(`$iothub/twin/GET/?$rid=${rid}`, ' ');
  await answers;
  assert.deepEqual(topics, ['$iothub/twin/res/429/?$rid=1', '$iothub/twin/res/200/?$rid=3']);
  client.end(true);
});

test('a fault is only for the servers that know it, and goes when it is used up or lifted', () => {
  const faults = new Faults(new Log());
  assert.throws(() => faults.lay('hub1', 'empty-body'), /hub1 knows no fault "empty-body"/);
  faults.lay('dps', 'empty-body', { times: 2 });
  assert.ok(faults.take('dps', 'empty-body'));
  assert.equal(faults.take('hub1', 'empty-body'), undefined);
  assert.ok(faults.take('dps', 'empty-body'));
  assert.equal(faults.take('dps', 'empty-body'), undefined);
  faults.lay('dps', 'reset');
  faults.lay('est', 'reset');
  faults.lift('dps');
  assert.equal(faults.peek('dps', 'reset'), undefined);
  assert.ok(faults.peek('est', 'reset'));
});
