import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyTo } from '../../../agent/dps/allowed.ts';
import { type Failure, failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/core/advance.ts';
import type { Memory } from '../../../agent/roll/core/memory.ts';
import { plan } from '../../../agent/roll/core/plan.ts';
import { HOUR, NOW } from '../roll/machine.ts';
import { answer, circumstances, MEMORIES, served, shown } from '../roll/memories.ts';
import { current } from '../roll/standing.ts';
import { fault } from '../state/disk.ts';

const { signal } = new AbortController();
const assigned = (hub: string, allowed?: readonly string[]) =>
  onlyTo({ register: async () => ({ hub, deviceId: 'gw-1' }) }, allowed).register(current, signal);

describe('hosts that DPS may assign', () => {
  const allowed = ['.azure-devices.net', 'edge.example.com', '127.0.0.1'];
  for (const hub of [
    'my-hub.azure-devices.net',
    'my-hub.azure-devices.net:8883',
    'My-Hub.AZURE-devices.NET',
    'my-hub.azure-devices.net.',
    'a.b.azure-devices.net:443',
    'edge.example.com',
    '127.0.0.1:18883',
  ])
    test(`${hub}: allowed`, async () => assert.equal((await assigned(hub, allowed)).hub, hub));

  for (const hub of [
    'my-hub.azure-devices.net.evil.example',
    'evilazure-devices.net',
    'azure-devices.net',
    'azure-devices.cn',
    'x.edge.example.com',
    'edge.example.com.evil',
    '169.254.169.254',
    '2130706433',
    'localhost:8883',
  ])
    test(`${hub}: not allowed`, async () => {
      await assert.rejects(
        assigned(hub, allowed),
        fault('NL-DPS-HUB', /^DPS assigned the hub .*, which dps\.allowed_hubs does not allow\.$/),
      );
    });

  test('any, unless the setting is there', async () => {
    assert.equal((await assigned('169.254.169.254')).hub, '169.254.169.254');
  });
});

describe('an assignment that is not allowed costs nothing that serves', () => {
  /** What is in flight meets it, and the moment comes after it. */
  function fails(from: Memory): Memory {
    const [effect] = plan(from, circumstances()).asks;
    assert.ok(effect?.kind === 'register');
    const met: Failure = failure('NL-DPS-HUB', { message: 'DPS assigned the hub evil.example' });
    const event = { kind: 'failed', effect, failure: met, at: NOW, up: HOUR, draw: 0.5 } as const;
    return advance(from, event, circumstances({ flying: {} })).memory;
  }

  test('of the current leaf: the session and the hub stay, the request ends', () => {
    const { registering } = MEMORIES;
    const after = fails(registering);
    assert.equal(shown(after).phase, 'serving');
    assert.deepEqual([after.online, after.at], [registering.online, registering.at]);
    assert.deepEqual([after.ask, after.outcomes[0]?.outcome], [undefined, 'kept']);
  });

  test('of a candidate: it is parked, the current leaf stays with its hub, and no key goes', () => {
    const after = fails(MEMORIES['registering-next']);
    const { phase, next } = shown(after);
    assert.deepEqual([phase, next?.rest?.failure.code], ['serving', 'NL-DPS-HUB']);
    assert.ok((next?.rest?.askAt ?? 0) >= NOW + 5 * 60_000);
    assert.deepEqual([after.at, after.old], [MEMORIES['registering-next'].at, []]);
  });

  test('while the hub refuses us: DPS is asked once an hour', () => {
    const rejected: Memory = { ...served, answers: { 'connect current': answer('refused', 'NL-HUB-REJECTED') } };
    const { phase, probe } = shown(fails(rejected));
    assert.equal(phase, 'stranded');
    const wait = (probe?.askAt ?? 0) - NOW;
    assert.ok(wait >= HOUR && wait <= 1.15 * HOUR);
  });
});
