import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gateway } from '../stage/gateway.ts';
import { PATIENCE_MS, type Serving, serving } from '../stage/site.ts';
import { type Paho, pahoByKey, pahoBySocket } from './paho.ts';
import { Other, Shown } from './shown.ts';

const ID = 'gw-0001';
/** The body in the lines that are shown. */
const SHOWN = '{"temperature":21.5}';
/** Lines that a program sends without a pause. */
const MANY = 300;
const port = 19_883 + (process.pid % 1_000);
const ON_PORT = { settings: { 'uplink.tcp': `"127.0.0.1:${port}"` } };

/** The bodies of all messages at the hub, in order. */
async function bodies({ far }: Serving): Promise<string[]> {
  return (await far.telemetry('hub1', ID, 0, 10 * MANY)).messages.map(({ body }) => body);
}

async function arrived(at: Serving, body: string, times = 1): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while ((await bodies(at)).filter((one) => one === body).length < times) {
    assert.ok(Date.now() < deadline, `${body}: not ${times} times in ${await bodies(at)}`);
    await pause(20);
  }
}

async function roll({ far, gateway }: Serving): Promise<void> {
  const since = far.log.entries.length;
  assert.equal((await gateway.post('/v1/roll', { id: `roll-${since}` })).status, 202);
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
  await gateway.settled();
}

async function restart(gateway: Gateway): Promise<void> {
  assert.equal(await gateway.stop(), 0);
  await gateway.start();
  await gateway.settled();
}

/** Waits until as many messages of the hub wait for the program. */
async function waiting(gateway: Gateway, name: string, count: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const inbox = (await gateway.uplink()).programs.find((one) => one.name === name)?.inbox;
    if (inbox === count) return;
    assert.ok(Date.now() < deadline, `${inbox} messages wait for ${name}, and not ${count}`);
    await pause(20);
  }
}

test('mosquitto_pub: each line arrives, in order, over a roll and a restart', async (t) => {
  const at = await serving(t);
  await at.gateway.program('sensors');
  const line = (await Shown.of(at.gateway, 'sensors')).line('mosquitto-clients', 'mosquitto_pub');
  assert.equal(await Other.pasted(t, line).ended(), 0);
  await arrived(at, SHOWN);
  const many = Other.pasted(t, line.replace(/-i sensors (.*)-m .*/, '-i many $1-l'));
  many.write('before');
  await arrived(at, 'before');
  many.write('during the roll');
  await roll(at);
  many.write('after the roll');
  await arrived(at, 'after the roll');
  assert.equal(await Other.pasted(t, line).ended(), 0);
  await arrived(at, SHOWN, 2);
  await restart(at.gateway);
  many.write('after the restart');
  await arrived(at, 'after the restart');
  many.endInput();
  assert.equal(await many.ended(), 0);
  assert.equal(await Other.pasted(t, line).ended(), 0);
  await arrived(at, SHOWN, 3);
  // What was on its way at a cut may come twice.
  const first = [...new Set(await bodies(at))];
  assert.deepEqual(first, [SHOWN, 'before', 'during the roll', 'after the roll', 'after the restart']);
});

test('mosquitto_sub: what comes while it is away waits, over a roll and a restart', async (t) => {
  const at = await serving(t);
  const { far, gateway } = at;
  await gateway.program('sensors');
  // What is shown keeps no session: a line that is tried once would fill the inbox.
  const shown = (await Shown.of(gateway, 'sensors')).line('mosquitto-clients', 'mosquitto_sub');
  const line = shown.replace(' -q 1 ', ' -c -q 1 ');
  const first = Other.pasted(t, line);
  await far.log.waitFor({ event: 'subscribed', reason: `devices/${ID}/messages/devicebound/#` }, PATIENCE_MS);
  await far.sendToDevice(ID, 'one');
  await first.until((text) => text === 'one');
  const rolled = roll(at);
  await far.sendToDevice(ID, 'during the roll');
  await rolled;
  await first.until((text) => text === 'during the roll');
  await waiting(gateway, 'sensors', 0);
  await first.stop();

  await far.sendToDevice(ID, 'away');
  await waiting(gateway, 'sensors', 1);
  await roll(at);
  await restart(gateway);
  const second = Other.pasted(t, line);
  await second.until((text) => text === 'away');
  await waiting(gateway, 'sensors', 0);
  await restart(gateway);
  await far.sendToDevice(ID, 'after the restart');
  await second.until((text) => text === 'after the restart');
  await waiting(gateway, 'sensors', 0);
  await second.stop();
  await far.sendToDevice(ID, 'for a program that does not come back');
  await waiting(gateway, 'sensors', 1);
  const { code, out } = await gateway.command('uplink', 'forget', 'sensors');
  assert.equal(code, 0, out);
  assert.match(out, /^sensors: Ended: 1 session of clients that are away\. Dropped: 1 message from the\scloud\.$/m);
  await waiting(gateway, 'sensors', 0);
  // What the hub had sent, and newleaf had not acknowledged when the session moved, comes twice.
  const lines = [...new Set([...first.lines, ...second.lines])];
  assert.deepEqual(lines, ['one', 'during the roll', 'away', 'after the restart']);
});

for (const [how, add] of [
  ['its socket', (gateway: Gateway) => gateway.program('sensors')],
  ['TLS with name and key', (gateway: Gateway) => gateway.keyedProgram('sensors')],
] as const) {
  test(`mosquitto by ${how}: many lines at once, in order; a will; and what is refused is told`, async (t) => {
    const at = await serving(t, { settings: { ...ON_PORT.settings, 'uplink.rate': '1000' } });
    await add(at.gateway);
    const line = (await Shown.of(at.gateway, 'sensors')).line('mosquitto-clients', 'mosquitto_pub');
    const expected = Array.from({ length: MANY }, (_, number) => `line ${number}`);
    const many = Other.pasted(t, line.replace(/-m .*/, '-l'));
    for (const text of expected) many.write(text);
    many.endInput();
    assert.equal(await many.ended(), 0);
    await arrived(at, expected.at(-1) ?? '');
    assert.deepEqual(await bodies(at), expected);
    assert.equal(await Other.pasted(t, line.replace('-q 1', '-q 0')).ended(), 0);
    await arrived(at, SHOWN);
    const [, topic = ''] = / -t (\S+)/.exec(line) ?? [];
    const will = ` --will-topic ${topic} --will-payload killed --will-qos 1`;
    const since = at.far.log.entries.length;
    const messages = 'devices/sensors/messages/devicebound/#';
    const killed = Other.pasted(t, line.replace('_pub', '_sub').replace(/-t .*/, `-t '${messages}'${will}`));
    await at.far.log.waitFor({ event: 'subscribed' }, PATIENCE_MS, since);
    await killed.stop('SIGKILL');
    await arrived(at, 'killed');
    const refused = async (changed: string) => {
      const { stderr, status } = spawnSync('sh', ['-c', `exec ${changed}`], { encoding: 'utf8', timeout: PATIENCE_MS });
      assert.notEqual(status, 0);
      return stderr;
    };
    assert.match(await refused(`${line} -V 5`), /Unsupported Protocol Version/);
    if (how !== 'its socket')
      assert.match(await refused(line.replace(/-P \S+/, '-P wrong')), /bad user name or password/i);
  });
}

test('what is shown for Node', async (t) => {
  const at = await serving(t, ON_PORT);
  await at.gateway.program('sensors');
  const node = (await Shown.of(at.gateway, 'sensors')).lines('Node, package mqtt').join('\n');
  new Other(t, process.execPath, ['--input-type=module', '--eval', node]);
  await arrived(at, SHOWN);
});

test('a program that is removed leaves nothing', async (t) => {
  const { gateway } = await serving(t, ON_PORT);
  const socket = await gateway.program('sensors');
  await gateway.keyedProgram('meter');
  for (const name of ['sensors', 'meter']) {
    const { code, out, err } = await gateway.command('uplink', 'remove', name, '--yes');
    assert.equal(code, 0, `${out}${err}`);
    assert.ok(!existsSync(join(gateway.stateDirectory, 'uplink', name)));
  }
  assert.ok(!existsSync(dirname(socket)));
  await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
});

test('the CA is for all users, and a place for sockets that cannot be written is named', async (t) => {
  const { gateway } = await serving(t, ON_PORT);
  const { ca } = await gateway.keyedProgram('meter');
  assert.deepEqual(
    [ca, dirname(ca)].map((path) => statSync(path).mode & 0o777),
    [0o644, 0o755],
  );
  await gateway.command('uplink', 'remove', 'meter', '--yes');
  rmSync(dirname(ca), { recursive: true });
  writeFileSync(dirname(ca), 'in the way');
  await assert.rejects(gateway.keyedProgram('meter'), /NL-UPLINK-SOCKET.*programs\/ca\.pem.*uplink\.sockets/);
  await assert.rejects(gateway.program('sensors'), /NL-UPLINK-SOCKET.*programs\/sensors .*uplink\.sockets/);
});

/** All that a device does, once. @param what is different each time */
async function all(at: Serving, paho: Paho, id: string, what: string): Promise<void> {
  const { far } = at;
  const since = paho.lines.length;
  await paho.send(what);
  await arrived(at, what);
  await far.sendToDevice(ID, `to ${what}`, { properties: { room: 'north wing' } });
  const message = await paho.came(`devices/${id}/messages/devicebound/`, since);
  assert.equal(message.body, `to ${what}`);
  assert.match(message.topic, /[/&]room=north%20wing(&|$)/);
  const answer = await far.callMethod(ID, 'blink', { what });
  assert.deepEqual(answer, { status: 200, payload: { by: id, method: 'blink', got: { what } } });
  await far.updateDesired(ID, { [id]: what });
  const desired = await paho.came('$iothub/twin/PATCH/properties/desired/?$version=', since);
  assert.equal(JSON.parse(desired.body)[id], what);
  const request = encodeURIComponent(what);
  paho.publish(`$iothub/twin/PATCH/properties/reported/?$rid=p-${request}`, JSON.stringify({ [id]: what }), 0);
  await paho.came(`$iothub/twin/res/204/?$rid=p-${request}&$version=`, since);
  assert.equal((await far.twin(ID)).reported[id], what);
  paho.publish(`$iothub/twin/GET/?$rid=g-${request}`, '', 0);
  const twin = JSON.parse((await paho.came(`$iothub/twin/res/200/?$rid=g-${request}`, since)).body);
  assert.equal(twin.desired[id], what);
  assert.equal(twin.reported[id], what);
}

for (const [how, connect] of [
  ['its socket', pahoBySocket],
  ['a SAS and TLS 1.2', pahoByKey],
] as const) {
  test(`Paho by ${how}: messages, methods and twin, over a roll and a restart`, async (t) => {
    const at = await serving(t, ON_PORT);
    const paho = await connect(t, at, 'sensors');
    await paho.subscribed();
    await all(at, paho, 'sensors', 'before');
    await roll(at);
    await all(at, paho, 'sensors', 'after-the-roll');
    assert.equal(paho.losses, 0);
    const since = paho.lines.length;
    await restart(at.gateway);
    await paho.subscribed(since);
    await all(at, paho, 'sensors', 'after-the-restart');
    assert.equal(paho.losses, 1);
  });
}

test('Paho: a message of 1 MB is set aside, and the one behind it goes on', async (t) => {
  const at = await serving(t);
  const paho = await pahoBySocket(t, at, 'sensors');
  await paho.subscribed();
  await paho.send('x'.repeat(1_000_000));
  await paho.send('behind');
  await arrived(at, 'behind');
  assert.equal(paho.losses, 0);
  const { code, out } = await at.gateway.command('uplink', 'list');
  assert.equal(code, 1);
  assert.match(out, /1 message set aside.*NL-UPLINK-CONTENT/s);
});

test('mosquitto_pub by QoS 2: closed, as by a hub, and named', async (t) => {
  const at = await serving(t);
  await at.gateway.program('sensors');
  const line = (await Shown.of(at.gateway, 'sensors')).line('mosquitto-clients', 'mosquitto_pub');
  assert.equal(await Other.pasted(t, line.replace('-q 1', '-q 2')).ended(), 7);
  const { code, out } = await at.gateway.command('uplink', 'list');
  assert.equal(code, 1);
  assert.match(out, /NL-UPLINK-PROTOCOL newleaf closed a connection of sensors: a message of QoS 2/);
});
