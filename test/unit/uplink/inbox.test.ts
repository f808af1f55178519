import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../../../agent/failure/failure.ts';
import type { Message } from '../../../agent/uplink/ports.ts';
import { scratch } from '../state/disk.ts';
import { codesOf, TestClient } from './fakes.ts';
import { fateOf, joined, MESSAGES, METHODS, Stage, settled } from './stage.ts';
import { HOUR, MINUTE, numbered, SECOND } from './world.ts';

const C2D = 'devices/gw-0001/messages/devicebound/%24.mid=1&k=v';
const HUB = 'devices/gw-0001/messages/devicebound/#';

test('a full inbox costs its own program only: the oldest give way, they are counted, and a trouble', async () => {
  const stage = new Stage();
  const full = stage.program('full');
  stage.program('other');
  const client = await stage.client('full', MESSAGES);
  const other = await stage.client('other', MESSAGES);
  client.isPrompt = false;
  full.inbox.most = 20;
  const session = await stage.open();
  const taken = numbered('m', 90).map((text) => stage.arrive(session, C2D, text, 1));
  for (const one of taken) assert.equal(await fateOf(one), 'kept');
  assert.deepEqual(other.texts, numbered('m', 90));
  assert.deepEqual([full.inbox.count, full.inbox.counts.dropped], [20, 70]);
  await stage.pass(MINUTE);
  assert.deepEqual(codesOf(full), ['NL-UPLINK-UNTAKEN']);
  assert.match(full.troubles[0]?.message ?? '', /^70 messages from the cloud are lost/);
});

test('a disk that fails for one program: it loses the message, the others have it; where it fails for all, the hub keeps it', async () => {
  const stage = new Stage();
  const [bad, good] = [stage.program('bad'), stage.program('good')];
  for (const name of ['bad', 'good']) await stage.client(name, MESSAGES);
  const fails = () => Promise.reject(new Fault('NL-UPLINK-DISK'));
  const { append } = good.inbox;
  bad.inbox.append = fails;
  const session = await stage.open();
  assert.equal(await fateOf(stage.arrive(session, C2D, 'm1', 1)), 'kept');
  assert.deepEqual(codesOf(bad), ['NL-UPLINK-UNTAKEN']);
  assert.equal(bad.counts.dropped, 1);
  good.inbox.append = fails;
  const taken = stage.arrive(session, C2D, 'm2', 1);
  await stage.pass(MINUTE);
  assert.equal(await fateOf(taken), 'open');
  assert.equal(bad.counts.dropped, 1);
  good.inbox.append = append;
  await stage.pass(6 * SECOND);
  assert.equal(await fateOf(taken), 'kept');
});

test('no room, and the session ends: nothing is acknowledged, and the hub sends it again', async () => {
  const { stage, program } = await joined(MESSAGES);
  program.inbox.most = 0;
  const session = await stage.open();
  const [first, second] = ['m1', 'm2'].map((text) => stage.arrive(session, C2D, text, 1));
  session.end();
  assert.deepEqual(await Promise.all([fateOf(first), fateOf(second)]), ['broken', 'broken']);
  program.inbox.most = 1;
  await stage.pass(MINUTE);
  assert.equal(program.inbox.count, 0, 'it is not stored behind the back of the hub');
});

/** Acknowledges what is good at once; a bad message never, as the SDK of C does with properties that are not ASCII. */
class Picky extends TestClient {
  override publish(message: Message, qos: 0 | 1): Promise<void> {
    this.isPrompt = !Buffer.from(message.payload).toString().startsWith('bad');
    return super.publish(message, qos);
  }
}

test('messages that a program never acknowledges: the others arrive, and these are set aside after ten deliveries', async () => {
  const stage = new Stage();
  const program = stage.program('one');
  const client = await stage.join(new Picky('one'), MESSAGES);
  const session = await stage.open();
  for (let sent = 0; sent < 200; sent += 1)
    await stage.arrive(session, C2D, `${sent % 10 === 5 ? 'bad' : 'm'}${sent}`, 1);
  await stage.pass(2 * MINUTE);
  assert.equal(new Set(client.texts).size, 200);
  await stage.pass(7 * MINUTE);
  assert.equal(stage.setAside.length, 0);
  await stage.pass(10 * MINUTE);
  assert.equal(stage.setAside.length, 20);
  assert(stage.setAside.every(({ text, why }) => text.startsWith('bad') && why.code === 'NL-UPLINK-UNTAKEN'));
  assert.equal(client.texts.filter((text) => text === 'bad5').length, 10);
  assert.equal(program.inbox.count, 0);
  assert(program.troubles.some(({ code }) => code === 'NL-UPLINK-UNTAKEN'));
});

test('large ones that are never acknowledged, and one of them late: what has not been tried yet goes before them', async () => {
  const { stage, client } = await joined(MESSAGES);
  client.isPrompt = false;
  const session = await stage.open();
  await stage.arrive(session, C2D, 'late', 1);
  await stage.pass(30 * SECOND);
  for (const text of ['a'.repeat(200_000), 'b'.repeat(200_000), 'new']) await stage.arrive(session, C2D, text, 1);
  await stage.pass(61 * SECOND);
  const texts = client.texts.map((text) => text.slice(0, 4));
  assert.deepEqual(texts, ['late', 'aaaa', 'bbbb', 'new', 'late', 'aaaa', 'bbbb']);
});

test('a program that falls over one message, and starts again each second: this one is set aside, and no other', async () => {
  const stage = new Stage('one');
  const session = await stage.open();
  const { inbox } = stage.uplink.program('one') ?? assert.fail();
  for (const text of ['m1', 'bad', ...numbered('z', 30)]) await inbox.append({ topic: '', payload: Buffer.from(text) });
  for (let second = 0; second < 900; second += 1) {
    const client = await stage.join(new Picky('one', 'c', true), MESSAGES);
    client.isPrompt = false;
    await stage.pass(SECOND);
    if (client.texts.some((text) => text === 'bad')) await stage.leave(client);
  }
  assert.deepEqual(
    stage.setAside.map(({ text }) => text),
    ['bad'],
  );
  assert.equal(inbox.count, 0);
  assert(session.isOpen);
});

test('a session whose client is away for 48 hours ends, and what waits for it is dropped; one that comes back stays', async (t) => {
  const stage = new Stage();
  const away = stage.program('away', { c: { [MESSAGES]: 1 } }, scratch(t));
  const back = stage.program('back', { c: { [MESSAGES]: 1 } });
  const session = await stage.open();
  await stage.arrive(session, C2D, 'm1', 1);
  await stage.pass(40 * HOUR);
  const client = await stage.join(new TestClient('back', 'c', false));
  await stage.leave(client);
  await stage.pass(9 * HOUR);
  // The record is on a disk, which has a time of its own.
  const isDone = () => away.inbox.count === 0 && away.troubles.length === 0;
  for (let turn = 0; turn < 2_000 && !isDone(); turn += 1) {
    await stage.pass(SECOND);
    await pause(5);
  }
  assert.deepEqual([away.sessions.want('messages'), back.sessions.want('messages')], [false, true]);
  assert.deepEqual([away.inbox.count, codesOf(away)], [0, []]);
});

test('forget: sessions of clients that are away end at once, and no message of a client that is here is dropped', async (t) => {
  const stage = new Stage();
  const here = stage.program('here', { kept: { [MESSAGES]: 1 } }, scratch(t));
  const away = stage.program('away', { c: { [MESSAGES]: 1 }, d: { [METHODS]: 0 } }, scratch(t));
  const client = await stage.client('here', MESSAGES);
  client.isPrompt = false;
  const session = await stage.open();
  await stage.arrive(session, C2D, 'm1', 1);
  assert.deepEqual(await stage.uplink.forget(here), { sessions: 1, messages: 0 });
  assert.deepEqual(await stage.uplink.forget(away), { sessions: 2, messages: 1 });
  assert.deepEqual(await stage.uplink.forget(away), { sessions: 0, messages: 0 });
  assert.deepEqual([here.inbox.count, away.inbox.count], [1, 0]);
  await stage.leave(client);
  assert.equal(session.filters.at(-1), `-${HUB}`);
});

test('messages of sessions that have ended are taken from the record before their age is looked at', async () => {
  const stage = new Stage();
  const { sessions, inbox, down } = stage.program('away', { c: { [MESSAGES]: 1 } });
  await inbox.append({ topic: '', payload: Buffer.from('m1') });
  const order: string[] = [];
  sessions.forget = () => settled().then(() => order.push('sessions'));
  down.next = async () => void order.push('age');
  await stage.pass(MINUTE);
  await settled();
  assert.deepEqual(order.slice(0, 2), ['sessions', 'age']);
});
