import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advance } from '../../../agent/roll/advance.ts';
import type { RollEvent, RollState } from '../../../agent/roll/state.ts';
import { made, wanted } from './candidates.ts';
import { NOW, terms } from './machine.ts';
import { briefly, play, SITUATIONS } from './situations.ts';
import { HOUR, rest } from './standing.ts';

const now = { at: NOW, draw: 0.5 };

describe('a technician asks a stranded gateway for a CSR', () => {
  const asked = play(SITUATIONS.stranded, 'csr');
  test('its key is made at once, and nobody asks DPS for it', () => {
    assert.equal(briefly(asked), 'generating-key, generate-key b');
  });
  test('the token makes no key, DPS is asked in between, and refuses: the next one who asks has the key made', () => {
    for (const next of [wanted('spare'), { ...wanted(), tries: 1, rest }]) {
      for (const name of ['csr', 'csr --new-key'] as const) {
        assert.equal(briefly(play({ ...SITUATIONS.stranded, next }, name)), 'generating-key, generate-key b');
      }
    }
  });
  test('and the gateway is stranded as before, with its hour', () => {
    const after = play(asked, 'key generated');
    assert.deepEqual([after.phase, after.next], ['stranded', made('delivery')]);
    assert.deepEqual(after.probe, SITUATIONS.stranded.probe);
  });
  test('a key that is only there for the next roll strands nobody, whatever is left of an earlier probe', () => {
    const { online: _, ...offline } = SITUATIONS.serving;
    const waiting: RollState = { ...offline, probe: { times: 1, askAt: NOW + HOUR }, next: wanted('spare') };
    for (const name of ['woken', 'key generated', 'current connected'])
      assert.equal(play(waiting, name).phase, 'serving');
  });
  test('also where the slot must be cleared first', () => {
    const left = {
      ...SITUATIONS.stranded,
      retire: [{ slot: 'b', id: 'g7', is: 'undestroyed', againAt: NOW + HOUR }],
    } as const;
    const clearing = play(left, 'csr');
    assert.equal(briefly(clearing), 'retiring-key, destroy-key b');
    const destroyed: RollEvent = { ...now, kind: 'key-destroyed', id: 'g7' };
    assert.equal(briefly(advance(clearing, destroyed, terms).state), 'generating-key, generate-key b');
  });
});
