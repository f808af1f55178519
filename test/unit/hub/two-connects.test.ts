import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafNamed } from '../mqtt/certificates.ts';
import type { Script } from '../mqtt/far-side.ts';
import { quiet } from '../mqtt/quiet.ts';
import { at, codeOf, never, newHub, nextSignal, serving, signalsSoFar, startHub } from './hub-side.ts';

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
  let connack = (): void => {};
  await using first = await startHub({
    connack: (link) => {
      connack = () => link.send({ cmd: 'connack', returnCode: 0, sessionPresent: false });
    },
  });
  await using second = await startHub();
  const hub = newHub({ twinMs: 100 });
  const early = codeOf(hub.connect(current, at(first), never));
  await first.until(() => first.received.length > 0);
  await hub.connect(next, at(second), never);
  connack();
  assert.equal(await early, 'NL-HUB-TWIN');
  assert.deepEqual(
    (await signalsSoFar(hub)).map(({ thumbprint }) => thumbprint),
    ['BB'],
  );
  await second.until(() => second.open === 0);
});

test('close ends every connect that is under way', async () => {
  await using far = await startHub({ connack: 'none' });
  const hub = newHub();
  const attempts = [current, next].map((leaf) => codeOf(hub.connect(leaf, at(far), never)));
  await far.until(() => far.received.length === 2);
  await hub.close();
  assert.deepEqual(await Promise.all(attempts), ['NL-HUB-CLOSED', 'NL-HUB-CLOSED']);
});
