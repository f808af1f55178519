import assert from 'node:assert/strict';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { assertName, hasPrograms, namesIn, uplinkDirectory } from '../../../agent/state/program-name.ts';
import { changedTerms } from '../../../agent/state/program-terms.ts';
import { makeKey, makeProgram, readRecord, removeProgram, writeRecord } from '../../../agent/uplink/programs.ts';
import { scratch } from '../state/disk.ts';
import { programOf, TestClient } from './fakes.ts';
import { DESIRED, MESSAGES, METHODS } from './stage.ts';

const isFault = (code: string) => (error: unknown) => error instanceof Fault && error.failure.code === code;

for (const name of ['a', 'Sensors-1_x', '0', 'x'.repeat(32)]) {
  test(`a program may be called ${name}`, () => assertName(name));
}

for (const name of ['', '-a', '_a', '.', '..', 'a/b', 'a b', 'ä', 'a\n', 'x'.repeat(33), '__proto__', 'a.sock']) {
  test(`no program may be called ${JSON.stringify(name)}`, () => {
    assert.throws(() => assertName(name), isFault('NL-UPLINK-PROGRAM'));
  });
}

test('a program is made with its record, listed, and removed', async (t) => {
  const state = scratch(t);
  const directory = uplinkDirectory(state);
  assert.equal(await hasPrograms(state), false);
  assert.deepEqual(await namesIn(directory), []);
  await makeProgram(directory, 'two', false);
  const made = await makeProgram(directory, 'constructor', true);
  assert.equal(Buffer.from(made.key ?? '', 'base64').length, 32);
  assert.equal(await hasPrograms(state), true);
  assert.deepEqual(await namesIn(directory), ['constructor', 'two']);
  assert.deepEqual(await readRecord(directory, 'two'), {
    name: 'two',
    connects: 'socket',
    terms: {},
    sessions: {},
    isDamaged: false,
  });
  assert.equal((await readRecord(directory, 'constructor')).key, made.key);
  assert.equal((await stat(join(directory, 'constructor', 'program.json'))).mode & 0o777, 0o600);
  await removeProgram(directory, 'constructor');
  await removeProgram(directory, 'constructor');
  assert.deepEqual(await namesIn(directory), ['two']);
});

test('a second program of a name, a wrong name, one too many: refused, and nothing is made', async (t) => {
  const directory = scratch(t);
  await makeProgram(directory, 'one', true);
  const { key } = await readRecord(directory, 'one');
  await assert.rejects(makeProgram(directory, 'one', true), isFault('NL-UPLINK-PROGRAM'));
  await assert.rejects(makeProgram(directory, '../up', false), isFault('NL-UPLINK-PROGRAM'));
  for (let count = 2; count <= 32; count += 1) await makeProgram(directory, `p${count}`, false);
  await assert.rejects(makeProgram(directory, 'last', false), isFault('NL-UPLINK-PROGRAM'));
  assert.equal((await namesIn(directory)).length, 32);
  assert.equal((await readRecord(directory, 'one')).key, key);
});

test('other files beside the programs are no programs; a directory that is a file is a fault', async (t) => {
  const directory = scratch(t);
  await writeFile(join(directory, 'file'), '');
  await mkdir(join(directory, '.hidden'));
  assert.deepEqual(await namesIn(directory), []);
  await assert.rejects(namesIn(join(directory, 'file')), isFault('NL-UPLINK-DISK'));
});

for (const text of [
  '',
  '{',
  'null',
  '[]',
  '7',
  '{}',
  '{"sessions":null}',
  '{"sessions":"abc"}',
  '{"sessions":{"c":null}}',
  '{"sessions":{"c":{"#":2}}}',
  '{"sessions":{"c":{"#":"1"}}}',
]) {
  test(`a damaged record, ${text || 'empty'}: it is said, and the program serves without its sessions`, async (t) => {
    const directory = scratch(t);
    const { key } = await makeProgram(directory, 'one', true);
    await writeFile(join(directory, 'one', 'program.json'), text);
    const record = await readRecord(directory, 'one');
    assert.deepEqual(record, { name: 'one', connects: 'key', key, terms: {}, sessions: {}, isDamaged: true });
    assert.equal(programOf('one', record.sessions).sessions.want('messages'), false);
  });
}

for (const [what, damage] of [
  ['torn', (text: string) => text.slice(0, 20)],
  ['empty', () => ''],
  ['rotten', (text: string) => `${text.startsWith('a') ? 'b' : 'a'}${text.slice(1)}`],
  ['gone', undefined],
] as const) {
  test(`a key that is ${what}: the program has a key that is lost, and never a socket; a new one is made in its place`, async (t) => {
    const directory = scratch(t);
    const { key } = await makeProgram(directory, 'one', true);
    const file = join(directory, 'one', 'key');
    if (damage === undefined) await rm(file);
    else await writeFile(file, damage(await readFile(file, 'utf8')));
    const record = await readRecord(directory, 'one');
    assert.deepEqual([record.connects, record.key], ['key', undefined]);
    const made = await makeKey(directory, 'one');
    assert.notEqual(made, key);
    assert.equal((await readRecord(directory, 'one')).key, made);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });
}

test('a record that cannot be read now is not damaged: it is not replaced', async (t) => {
  const directory = scratch(t);
  await mkdir(join(directory, 'one', 'program.json'), { recursive: true });
  await assert.rejects(readRecord(directory, 'one'), isFault('NL-UPLINK-DISK'));
});

test('a record that is not there is damaged, too', async (t) => {
  assert.equal((await readRecord(scratch(t), 'one')).isDamaged, true);
});

const kept = (clientId: string) => new TestClient('one', clientId, false);

test('a kept session outlives a restart, also of a client that calls itself __proto__', async (t) => {
  const directory = scratch(t);
  await writeRecord(directory, { name: 'one', connects: 'socket', terms: {}, sessions: {} });
  const program = programOf('one', {}, directory);
  for (const clientId of ['c', '__proto__', 'constructor']) {
    const client = kept(clientId);
    assert.equal(await program.sessions.opened(client), false);
    await program.sessions.subscribe(client, MESSAGES, { kind: 'messages', qos: 1, deviceId: 'me' });
    await program.sessions.subscribe(client, METHODS, { kind: 'methods', qos: 0 });
    await program.sessions.unsubscribe(client, METHODS);
    program.sessions.closed(client);
  }
  const { sessions, isDamaged } = await readRecord(directory, 'one');
  assert.equal(isDamaged, false);
  assert.deepEqual(Object.keys(sessions), ['c', '__proto__', 'constructor']);
  const again = programOf('one', sessions, directory);
  assert.equal(again.sessions.want('messages'), true);
  assert.equal(again.sessions.want('methods'), false);
  const back = kept('__proto__');
  assert.equal(await again.sessions.opened(back), true);
  assert.deepEqual(again.sessions.to('messages'), [
    { client: back, subscription: { kind: 'messages', qos: 1, deviceId: 'me' } },
  ]);
});

test('a clean client ends the kept session of its ID; other clean clients leave nothing on disk', async (t) => {
  const directory = scratch(t);
  const program = programOf('one', { c: { [MESSAGES]: 1 }, d: {} }, directory);
  const other = new TestClient('one', 'other');
  assert.equal(await program.sessions.opened(other), false);
  await program.sessions.subscribe(other, DESIRED, { kind: 'desired', qos: 0 });
  await assert.rejects(readFile(join(directory, 'one', 'program.json')));
  assert.equal(await program.sessions.opened(new TestClient('one', 'c')), false);
  assert.equal(program.sessions.want('messages'), false);
  assert.deepEqual((await readRecord(directory, 'one')).sessions, { d: {} });
});

test('a client that draws its ID anew each time: the eight latest sessions are kept', async (t) => {
  const directory = scratch(t);
  const program = programOf('one', {}, directory);
  for (let count = 1; count <= 20; count += 1) {
    const client = kept(`c${count}`);
    await program.sessions.opened(client);
    await program.sessions.subscribe(client, MESSAGES, { kind: 'messages', qos: 1 });
    program.sessions.closed(client);
  }
  assert.deepEqual(
    Object.keys((await readRecord(directory, 'one')).sessions),
    [13, 14, 15, 16, 17, 18, 19, 20].map((count) => `c${count}`),
  );
});

test('a session without a subscription is nothing to keep: it costs the disk nothing', async () => {
  const program = programOf('one');
  for (let count = 1; count <= 20; count += 1) {
    const client = kept(`c${count}`);
    assert.equal(await program.sessions.opened(client), false);
    program.sessions.closed(client);
  }
});

test('a session that has ended its last subscription is kept no more', async (t) => {
  const directory = scratch(t);
  await makeProgram(directory, 'one', false);
  const program = programOf('one', {}, directory);
  const client = kept('c');
  await program.sessions.opened(client);
  await program.sessions.subscribe(client, METHODS, { kind: 'methods', qos: 0 });
  assert.deepEqual((await readRecord(directory, 'one')).sessions, { c: { [METHODS]: 0 } });
  await program.sessions.unsubscribe(client, METHODS);
  assert.deepEqual((await readRecord(directory, 'one')).sessions, {});
});

test('the newest of several clients is the first', async () => {
  const program = programOf('one');
  const [older, newer] = [new TestClient('one', 'c'), new TestClient('one', 'c')];
  for (const client of [older, newer]) {
    await program.sessions.opened(client);
    await program.sessions.subscribe(client, METHODS, { kind: 'methods', qos: 0 });
  }
  assert.deepEqual(
    program.sessions.to('methods').map(({ client }) => client),
    [newer, older],
  );
  program.sessions.closed(newer);
  assert.deepEqual(program.sessions.clients, [older]);
});

test('terms are whole numbers from 1, and a priority by its name; null takes one away', () => {
  for (const terms of [
    { rate: 0 },
    { rate: -1 },
    { rate: 1.5 },
    { maxBytes: '8' },
    { maxAgeMs: 0 },
    { priority: 'low' },
    { other: 1 },
    7,
  ])
    assert.equal(changedTerms({}, terms), undefined, JSON.stringify(terms));
  assert.deepEqual(changedTerms({ rate: 5, maxBytes: 1 }, { rate: null, maxAgeMs: 1 }), { maxBytes: 1, maxAgeMs: 1 });
});
