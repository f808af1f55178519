import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '../clock.ts';
import { leafNamed } from '../mqtt/certificates.ts';
import { quiet } from '../mqtt/quiet.ts';
import {
  at,
  call,
  codeOf,
  connected,
  leftUnanswered,
  never,
  newHub,
  nextSignal,
  serving,
  startHub,
  written,
} from './hub-side.ts';

quiet();
const leaf = leafNamed('AA');

test('reported properties are written only when they change, then all of them, and what is gone as null', async () => {
  await using here = await connected();
  const { far, hub } = here;
  await hub.report({ phase: 'serving', last: { id: 'x', code: undefined } });
  await hub.report({ phase: 'serving', last: { id: 'x' } });
  await Promise.all([hub.report({ phase: 'registering', last: { id: 'x' } }), hub.report({ phase: 'serving' })]);
  assert.deepEqual(written(far), [
    { newleaf: { phase: 'serving', last: { id: 'x' } } },
    { newleaf: { phase: 'registering', last: { id: 'x' } } },
    { newleaf: { phase: 'serving', last: null } },
  ]);
});

test('what the twin holds already is not written again; what other software reports is not touched', async () => {
  const twin = { desired: {}, reported: { update: 'x', newleaf: { phase: 'serving', old: 1 }, $version: 4 } };
  await using here = await connected({}, serving(JSON.stringify(twin)));
  const { far, hub } = here;
  await hub.report({ phase: 'serving', old: 1 });
  await hub.report({ phase: 'serving' });
  assert.deepEqual(written(far), [{ newleaf: { phase: 'serving', old: null } }]);
});

test('a write without an answer is an error', async () => {
  const clock = new TestClock();
  await using here = await connected({ clock });
  const { far, hub } = here;
  far.script = {};
  const unwritten = codeOf(hub.report({ phase: 'serving' }));
  await leftUnanswered(clock);
  assert.equal(await unwritten, 'NL-HUB-TWIN');
});

test('a drop during a write is an error and a signal', async () => {
  await using here = await connected();
  const { far, hub } = here;
  far.script = { onPublish: (_, { socket }) => socket.destroy() };
  const both = Promise.all([codeOf(hub.report({ a: 1 })), codeOf(hub.report({ a: 2 }))]);
  assert.equal((await nextSignal(hub)).kind, 'lost');
  assert.deepEqual(await both, ['NL-HUB-LOST', 'NL-HUB-LOST']);
  assert.equal(far.connections, 1);
});

test('methods are answered with what the answerer says', async () => {
  await using far = await startHub();
  const asked: unknown[] = [];
  const hub = newHub({
    answer: async (ask) => {
      asked.push(ask);
      return ask.kind === 'status' ? { status: 200, body: { phase: 'serving' } } : { status: 202, body: { id: 'r-1' } };
    },
  });
  await hub.connect(leaf, at(far), never);
  const [link] = far.links;
  assert.deepEqual(await call(far, link, 'reprovision', '{"action":"roll","id":"r-1"}'), ['202', { id: 'r-1' }]);
  assert.deepEqual(await call(far, link, 'leafStatus', 'null'), ['200', { phase: 'serving' }]);
  assert.deepEqual(await call(far, link, 'reprovision', '{"delay":1}'), [
    '400',
    { field: 'delay', message: 'delay is not known here; known are action, id, delaySeconds' },
  ]);
  assert.equal((await call(far, link, 'reprovision', '{'))[0], '400');
  assert.deepEqual(asked, [{ kind: 'roll', from: 'method', id: 'r-1', delayMs: 0 }, { kind: 'status' }]);
  await hub.close();
});

test('an answerer that throws is answered with 500', async () => {
  await using here = await connected({ answer: () => Promise.reject(new Error('defect')) });
  const { far, link } = here;
  const [status, body] = await call(far, link, 'leafStatus', '');
  assert.deepEqual([status, body], ['500', { code: 'NL-INTERNAL', message: 'A defect in newleaf.' }]);
});

test('the answer is sent even when the session is closed right after it', async () => {
  await using far = await startHub();
  const hub = newHub({
    answer: async () => {
      setImmediate(() => hub.close());
      return { status: 202, body: { id: 'r-1' } };
    },
  });
  await hub.connect(leaf, at(far), never);
  assert.deepEqual(await call(far, far.links[0], 'reprovision', '{}'), ['202', { id: 'r-1' }]);
  await far.until(() => far.open === 0);
});
