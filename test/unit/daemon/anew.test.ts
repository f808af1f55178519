import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withAnew } from '../../../agent/daemon/anew.ts';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import type { Ports } from '../../../agent/roll/ports.ts';
import { type RollEffect, unprovisioned } from '../../../agent/roll/state.ts';
import { hub } from '../roll/machine.ts';
import { candidate, current } from './gateway.ts';

const stays = failure('NL-TOKEN-PIN', { message: 'The PIN is wrong.' });

/** How an effect ends that meets this code, and which keys were tried in a new process. */
async function meets(effect: RollEffect, code: Code, leaf: Leaf | undefined, works = false, online?: string) {
  const asked: string[] = [];
  const opensAnew: Ports['opensAnew'] = async ({ key }) => {
    asked.push(key.id);
    return works ? undefined : stays;
  };
  const met = { kind: 'failed', effect, failure: failure(code) } as const;
  const event = await withAnew({ opensAnew }, () => ({
    ...unprovisioned,
    ...(leaf && { current: leaf }),
    ...(online && { online }),
  }))(Promise.resolve(met));
  assert.ok(event.kind === 'failed' && event.failure.code === code);
  return { stays: event.stays, asked };
}

const generate: RollEffect = { kind: 'generate-key', slot: 'b', id: 'g1' };
const session: RollEffect = { kind: 'connect', leaf: current, assignment: hub };
const prove: RollEffect = { kind: 'connect', leaf: candidate, assignment: hub };
const POISONED = 'NL-TOKEN-POISONED';

for (const effect of [generate, prove, { kind: 'register', leaf: current } as const]) {
  const name = `${effect.kind}${'leaf' in effect ? ` ${effect.leaf.key.id}` : ''}`;
  test(`${name}: before the process may end for it, a new one tries the key of the current leaf`, async () => {
    assert.deepEqual(await meets(effect, POISONED, current), { stays, asked: [current.key.id] });
    assert.deepEqual(await meets(effect, POISONED, current, true), { stays: undefined, asked: [current.key.id] });
  });
}

test('a session with another hub is open: a new process tries the key before that one is given up', async () => {
  assert.deepEqual(await meets(session, POISONED, current, false, 'T0@hub-2/gw-1'), { stays, asked: [current.key.id] });
});

const unasked: readonly (readonly [why: string, ...Parameters<typeof meets>])[] = [
  ['the session is what a new process is for', session, POISONED, current],
  ['without a leaf there is nothing to lose', generate, POISONED, undefined],
  ['no other failure ends the process', generate, 'NL-TOKEN-FAILED', current],
];
for (const [why, ...met] of unasked) {
  test(`no new process is asked: ${why}`, async () => {
    assert.deepEqual(await meets(...met), { stays: undefined, asked: [] });
  });
}
