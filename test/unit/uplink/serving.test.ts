import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { agreementTo } from '../../../agent/machine/program-directory.ts';
import { SharedSession } from '../../../agent/mqtt/hub-session.ts';
import { makeProgram } from '../../../agent/uplink/programs.ts';
import { openQueue } from '../../../agent/uplink/queue/open.ts';
import { Serving } from '../../../agent/uplink/serving.ts';
import { TestClock } from '../clock.ts';
import { fault, scratch } from '../state/disk.ts';
import { PlayedHub } from './played-hub.ts';
import { RawClient } from './wire/raw-client.ts';
import { noting } from './wire/rules.ts';

async function opened(directory: string, tcp = '127.0.0.1:0', hosts?: readonly string[]) {
  const { log, lines } = noting();
  const clock = new TestClock();
  const session = new SharedSession();
  const serving = await Serving.open({
    settings: {
      directory,
      sockets: join(directory, 'sockets'),
      tmpfiles: join(directory, 'tmpfiles.d'),
      tcp,
      hosts,
      maxBytes: 2 ** 20,
      maxAgeMs: undefined,
      whenFull: 'refuse',
      rate: 20,
    },
    session,
    clock,
    now: () => clock.now(),
    earliest: 0,
    env: {},
    log,
  });
  return { serving, lines, clock, session };
}

test('a program whose record is damaged is served by a socket, and the log says what is lost', async (t) => {
  const directory = scratch(t);
  mkdirSync(join(directory, 'uplink', 'sensors'), { recursive: true });
  writeFileSync(join(directory, 'uplink', 'sensors', 'program.json'), '{');
  const { serving, lines } = await opened(directory);
  t.after(() => serving.close());
  assert.deepEqual(
    lines.map(({ event, id, code }) => [event, id, code]),
    [['uplink-failed', 'sensors', 'NL-UPLINK-DISK']],
  );
  assert.match(lines[0]?.message ?? '', /sensors\/program\.json is damaged/);
  const [program] = serving.status().programs;
  assert.deepEqual([program?.name, program?.connects, program?.trouble], ['sensors', 'socket', undefined]);
});

test('a program whose key is damaged: a lasting trouble, no connection, its messages stay; a new key is made by a command', async (t) => {
  const directory = scratch(t);
  const first = await opened(directory);
  const made = (await first.serving.add('plc', true)) as { key: string };
  await first.serving.close();
  writeFileSync(join(directory, 'uplink', 'plc', 'key'), 'torn');
  const queue = await openQueue({
    directory: join(directory, 'uplink', 'plc', 'queue'),
    maxBytes: 2 ** 20,
    whenFull: 'refuse',
    now: Date.now,
    warn: () => {},
  });
  await queue.append({ topic: '', payload: Buffer.from('a1') });
  await queue.close();
  const { serving } = await opened(directory);
  t.after(() => serving.close());
  const [program] = serving.status().programs;
  assert.deepEqual([program?.connects, program?.trouble?.code, program?.queued], ['key', 'NL-UPLINK-KEY', 1]);
  assert.throws(() => serving.show('plc'), fault('NL-UPLINK-KEY', /./));
  const again = (await serving.renew('plc')) as { key: string; queued: number };
  assert.notEqual(again.key, made.key);
  assert.equal(again.queued, 1);
  assert.equal(serving.status().programs[0]?.trouble, undefined);
  await serving.add('tail', false);
  await assert.rejects(serving.renew('tail'), fault('NL-UPLINK-PROGRAM', /./));
});

test('a port that is taken at the start, and then freed: it is open within a minute, and one line says what was wrong', async (t) => {
  const directory = scratch(t);
  const other = createServer().listen(0, '127.0.0.2');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  for (const name of ['plc', 'meter']) await makeProgram(join(directory, 'uplink'), name, true);
  const { serving, lines, clock } = await opened(directory, `127.0.0.2:${port}`);
  t.after(() => serving.close());
  const codes = () => serving.status().programs.map(({ trouble }: { trouble?: { code: string } }) => trouble?.code);
  for (let minute = 0; minute < 5; minute += 1) {
    await clock.asleep(3);
    await clock.pass(60_000);
  }
  assert.deepEqual(codes(), ['NL-UPLINK-SOCKET', 'NL-UPLINK-SOCKET']);
  await clock.asleep(3);
  await new Promise((closed) => other.close(closed));
  await clock.pass(60_000);
  while (codes().some((code) => code !== undefined)) await setImmediate();
  const socket = connect(port, '127.0.0.2');
  await once(socket, 'connect');
  socket.destroy();
  assert.equal(lines.filter(({ event }) => event === 'uplink-socket').length, 2);
});

test('a program whose place root has made is neither changed nor taken away by another member of the group: root must agree', async (t) => {
  const directory = scratch(t);
  const { serving } = await opened(directory);
  t.after(() => serving.close());
  await serving.add('sensors', false);
  const record = join(directory, 'tmpfiles.d', 'newleaf-uplink-sensors.conf');
  mkdirSync(join(directory, 'tmpfiles.d'));
  writeFileSync(record, '');
  const change = () => serving.set('sensors', { rate: 1, maxBytes: 1 });
  for (const work of [change, () => serving.forget('sensors'), () => serving.remove('sensors')])
    await assert.rejects(work(), fault('NL-UPLINK-PROGRAM', /./));
  const shown = () => serving.status().programs.map((one) => 'terms' in one && one.terms);
  assert.deepEqual(shown(), [false]);
  writeFileSync(agreementTo(record), '');
  await change();
  assert.deepEqual(shown(), [{ rate: 1, maxBytes: 1 }]);
  await serving.forget('sensors');
  await serving.remove('sensors');
  assert.deepEqual(shown(), []);
});

test('uplink.hosts: the certificate has these names, so that programs in other containers can verify it', async (t) => {
  const directory = scratch(t);
  const other = createServer().listen(0, '127.0.0.2');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await new Promise((closed) => other.close(closed));
  const { serving } = await opened(directory, `127.0.0.2:${port}`, ['newleaf', 'gateway.local']);
  t.after(() => serving.close());
  const { ca, host } = (await serving.add('plc', true)) as { ca: string; host: string };
  assert.equal(host, 'newleaf');
  for (const servername of ['newleaf', 'gateway.local', 'localhost']) {
    const socket = connectTls({ port, host: '127.0.0.2', servername, ca: readFileSync(ca) });
    await once(socket, 'secureConnect');
    socket.destroy();
  }
});

test('terms of a program are set when it is added, and changed: messages, key and the place of the socket stay', async (t) => {
  const directory = scratch(t);
  const first = await opened(directory);
  const { key } = (await first.serving.add('plc', true, { rate: 5, maxAgeMs: 60_000 })) as { key: string };
  await first.serving.add('tail', false);
  const place = join(directory, 'sockets', 'tail');
  const { ino } = statSync(place);
  const shown = (await first.serving.set('plc', { rate: null, priority: 'bulk' })) as { key: string; terms: object };
  assert.deepEqual([shown.key, shown.terms], [key, { maxAgeMs: 60_000, priority: 'bulk' }]);
  await first.serving.set('tail', { maxBytes: 2_000 });
  assert.deepEqual([statSync(place).ino, existsSync(join(place, 'mqtt.sock'))], [ino, true]);
  await first.serving.close();
  const { serving } = await opened(directory);
  t.after(() => serving.close());
  const terms = serving.status().programs.map((one) => 'terms' in one && one.terms);
  assert.deepEqual(terms, [{ maxAgeMs: 60_000, priority: 'bulk' }, { maxBytes: 2_000 }]);
  assert.throws(() => statSync(join(directory, 'uplink', 'tail', 'key')));
});

test('the bound of a program is that of its queue, and the others have theirs', async (t) => {
  const directory = scratch(t);
  const { serving, clock } = await opened(directory);
  t.after(() => serving.close());
  await serving.add('small', false, { maxBytes: 500 });
  await serving.add('large', false);
  await using stays = await RawClient.open(join(directory, 'sockets', 'small', 'mqtt.sock'), { clientId: 'stays' });
  const fill = async (name: string) => {
    await using client = await RawClient.open(join(directory, 'sockets', name, 'mqtt.sock'));
    client.publish(`devices/${name}/messages/events/`, 1, Buffer.alloc(300));
    await client.next('puback');
  };
  for (const name of ['small', 'large']) await fill(name);
  const refused = assert.rejects(fill('small'), /closed without puback/);
  // The pause after a refusal, beside the look at all flows.
  await clock.asleep(2);
  await clock.pass(1_000);
  await refused;
  await fill('large');
  await serving.set('small', { maxBytes: 1_000 });
  await fill('small');
  assert.equal(stays.isClosed, false);
  const told = serving.status().programs.map(({ name, queued }) => [name, queued]);
  assert.deepEqual(told.sort(), [
    ['large', 2],
    ['small', 2],
  ]);
});

test('what programs reported while the hub was away outlives a restart; a damaged file is said, and lost', async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'uplink', 'reported.json');
  const first = await opened(directory);
  await first.serving.add('one', false);
  const client = await RawClient.open(join(directory, 'sockets', 'one', 'mqtt.sock'));
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '$iothub/twin/res/#', qos: 0 }] });
  const topic = '$iothub/twin/PATCH/properties/reported/?$rid=1';
  client.send({ cmd: 'publish', topic, payload: '{"a":1}', qos: 0, dup: false, retain: false });
  await client.next('publish');
  await first.serving.close();
  assert.equal(readFileSync(path, 'utf8'), '{"a":1}');
  const second = await opened(directory);
  const session = new PlayedHub(second.clock).accept();
  second.session.opened(session);
  await setImmediate();
  assert.equal(Buffer.from(session.published[0]?.payload ?? []).toString(), '{"a":1}');
  await second.serving.close();
  writeFileSync(path, '{"a"');
  const third = await opened(directory);
  t.after(() => third.serving.close());
  assert.match(third.lines[0]?.message ?? '', /reported\.json is damaged/);
});
