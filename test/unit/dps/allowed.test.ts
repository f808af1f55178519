import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyTo } from '../../../agent/dps/allowed.ts';
import { type Failure, failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { restOf } from '../../../agent/roll/candidate.ts';
import { without } from '../../../agent/roll/moves.ts';
import { effectsOf, type RollState } from '../../../agent/roll/state.ts';
import { NOW, terms } from '../roll/machine.ts';
import { briefly, SITUATIONS } from '../roll/situations.ts';
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
  const met: Failure = failure('NL-DPS-HUB', { message: 'DPS assigned the hub evil.example' });
  const fails = (state: RollState): RollState => {
    const [effect] = effectsOf(state);
    assert.ok(effect !== undefined && effect.kind === 'register');
    return advance(state, { kind: 'failed', effect, failure: met, at: NOW, draw: 0.5 }, terms).state;
  };

  test('of the current leaf: the session and the hub stay, the request ends', () => {
    const { registering } = SITUATIONS;
    const after = fails(registering);
    assert.equal(after.phase, 'serving');
    assert.deepEqual([after.online, after.assignment], [registering.online, registering.assignment]);
    assert.deepEqual([after.request, after.outcomes[0]?.outcome], [undefined, 'kept']);
  });

  test('of a candidate: it is parked, the current leaf stays with its hub, and no key goes', () => {
    const after = fails(SITUATIONS['registering-next']);
    assert.equal(briefly(after), 'serving');
    assert.deepEqual(restOf(after.next)?.failure.code, 'NL-DPS-HUB');
    assert.ok((restOf(after.next)?.askAt ?? 0) >= NOW + 5 * 60_000);
    assert.equal(after.assignment, SITUATIONS['registering-next'].assignment);
  });

  test('while the hub refuses us: DPS is asked once an hour, and again as soon as somebody asks', () => {
    const rejected = { ...without(SITUATIONS.registering, 'online'), rejected: true };
    const after = fails(rejected);
    assert.equal(after.phase, 'stranded');
    const wait = (after.probe?.askAt ?? 0) - NOW;
    assert.ok(wait >= 3_600_000 && wait <= 1.15 * 3_600_000);
    const woken = advance(after, { kind: 'woken', at: (after.probe?.askAt ?? 0) + 1, draw: 0.5 }, terms).state;
    assert.equal(briefly(woken), 'registering, register a');
  });
});
