import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '../clock.ts';
import { leafNamed } from '../mqtt/certificates.ts';
import type { Link, Script } from '../mqtt/far-side.ts';
import { quiet } from '../mqtt/quiet.ts';
import { at, codeOf, leftUnanswered, never, newHub, nextSignal, serving, signalsSoFar, startHub } from './hub-side.ts';

quiet();
const current = leafNamed('AA');
const next = leafNamed('BB');

/** A hub that answers twin reads when it is told to. */
function holdingTwin(): { readonly script: Script; release: () => void } {
  const held: (() => void)[] = [];
  return {
    script: { onPublish: (packet, link) => held.push(() => serving().onPublish?.(packet, link)) },
    release() {
      for (const answer of held.splice(0)) answer();
    },
  };
}

test('two connects at once: the hub holds the one that it accepted last, and so do we', async () => {
  const slow = holdingTwin();
  await using first = await startHub(slow.script);
  await using second = await startHub();
  const hub = newHub();
  const early = codeOf(hub.connect(current, at(first), never));
  await first.until(() => first.published('$iothub/twin/GET/').length > 0);
  await hub.connect(next, at(second), never);
  slow.release();
  assert.equal(await early, 'NL-HUB-LOST');
  await first.until(() => first.open === 0);
  await hub.report({ phase: 'serving' });
  assert.equal(second.published('$iothub/twin/PATCH/').length, 1);
  assert.deepEqual(await signalsSoFar(hub), []);
  second.links[0]?.socket.destroy();
  assert.equal((await nextSignal(hub)).thumbprint, 'BB');
});

test('two connects at once: a session that gave way to one that is not proven is lost', async () => {
  const held: (() => void)[] = [];
  const connack = (link: Link) => link.send({ cmd: 'connack', returnCode: 0, sessionPresent: false });
  await using far = await startHub({
    ...serving(),
    connack: (link) => (held.length === 0 ? held.push(() => connack(link)) : connack(link)),
  });
  const clock = new TestClock();
  const hub = newHub({ clock });
  const early = codeOf(hub.connect(current, at(far), never));
  await far.until(() => held.length > 0);
  await hub.connect(next, at(far), never);
  far.script = {};
  held[0]?.();
  await leftUnanswered(clock);
  assert.equal(await early, 'NL-HUB-TWIN');
  assert.deepEqual(
    (await signalsSoFar(hub)).map(({ thumbprint }) => thumbprint),
    ['BB'],
  );
  await far.until(() => far.open === 0);
});

test('another hub that accepts and never answers the twin does not cost the session', async () => {
  await using serves = await startHub();
  await using silent = await startHub({});
  const clock = new TestClock();
  const hub = newHub({ clock });
  await hub.connect(current, at(serves), never);
  const unproven = codeOf(hub.connect(next, at(silent), never));
  await leftUnanswered(clock);
  assert.equal(await unproven, 'NL-HUB-TWIN');
  assert.deepEqual(await signalsSoFar(hub), []);
  await hub.report({ phase: 'serving' });
  assert.equal(serves.published('$iothub/twin/PATCH/').length, 1);
  await silent.until(() => silent.open === 0);
});

test('close ends every connect that is under way', async () => {
  await using far = await startHub({ connack: 'none' });
  const hub = newHub();
  const attempts = [current, next].map((leaf) => codeOf(hub.connect(leaf, at(far), never)));
  await far.until(() => far.received.length === 2);
  await hub.close();
  assert.deepEqual(await Promise.all(attempts), ['NL-HUB-CLOSED', 'NL-HUB-CLOSED']);
});

// After a start in the middle of a proof both leaves are dialled, and a hub that trusts the CA takes both, in any order.
test('a session that is given up after it took the place of a proven one: both are lost', async () => {
  await using far = await startHub();
  const hub = newHub();
  await hub.connect(next, at(far), never);
  const abort = new AbortController();
  await hub.connect(current, at(far), abort.signal);
  abort.abort(new Error('another leaf is current'));
  const lost = [await nextSignal(hub), await nextSignal(hub)].map(({ thumbprint }) => thumbprint);
  assert.deepEqual(lost.sort(), ['AA', 'BB']);
  await far.until(() => far.open === 0);
  assert.equal(await codeOf(hub.report({})), 'NL-HUB-LOST');
});
