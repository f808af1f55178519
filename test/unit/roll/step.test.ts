import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advance } from '../../../agent/roll/advance.ts';
import type { Phase } from '../../../agent/roll/phase.ts';
import { effectsOf } from '../../../agent/roll/state.ts';
import { AFTER } from './grid.ts';
import { terms } from './machine.ts';
import { briefly, EVENTS, SITUATIONS } from './situations.ts';

for (const [phase, state] of Object.entries(SITUATIONS)) {
  const after: Readonly<Record<string, string>> = AFTER[phase as Phase];
  describe(phase, () => {
    for (const [name, make] of Object.entries(EVENTS)) {
      const event = make(state);
      if (event === undefined) continue;
      test(`${name} → ${after[name] ?? 'nothing'}`, () => {
        const before = structuredClone(state);
        const got = advance(state, event, terms);
        const told = briefly(got.state);
        assert.deepEqual(got.effects, effectsOf(got.state));
        // What is wrong is told to people, and counted; nothing follows from it yet.
        const counted = { workTrouble: 0, sessionTrouble: 0, unreached: 0, unheard: 0 };
        if (after[name] === undefined) assert.deepEqual({ ...got.state, ...counted }, { ...state, ...counted });
        else assert.notDeepEqual(got.state, state);
        assert.equal(told, after[name] ?? briefly(state));
        assert.deepEqual(state, before, 'the state that was given is not written to');
      });
    }

    test('every row names an event that can happen here', () => {
      const possible = Object.keys(EVENTS).filter((name) => EVENTS[name]?.(state) !== undefined);
      assert.deepEqual(
        Object.keys(after).filter((name) => !possible.includes(name)),
        [],
      );
    });

    test('an outage is tried again, and nothing else is', () => {
      const outage = EVENTS.outage?.(state);
      if (outage !== undefined) assert.equal(advance(state, outage, terms).retry?.code, 'NL-DPS-UNREACHABLE');
      for (const name of ['roll', 'key generated', 'current registered', 'next connected', 'old key destroyed']) {
        const event = EVENTS[name]?.(state);
        if (event !== undefined) assert.equal(advance(state, event, terms).retry, undefined, name);
      }
    });
  });
}
