import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advance } from '../../../agent/roll/advance.ts';
import { effectsOf, type Phase } from '../../../agent/roll/state.ts';
import { terms } from './machine.ts';
import { briefly, EVENTS, SITUATIONS } from './situations.ts';

/** The phase and the effects after each event, in each phase. An event that is not listed changes nothing at all. */
const AFTER: Record<Phase, Readonly<Record<string, string>>> = {
  unprovisioned: {
    'leaf delivered': 'unprovisioned',
    started: 'generating-key, generate-key a',
    woken: 'generating-key, generate-key a',
    'woken later': 'generating-key, generate-key a',
    're-register': 'generating-key, generate-key a',
    roll: 'generating-key, generate-key a',
    'roll --discard': 'generating-key, generate-key a',
    csr: 'generating-key, generate-key a',
    'csr --new-key': 'generating-key, generate-key a',
  },
  serving: {
    'leaf delivered': 'serving',
    'leaf delivered for the current key': 'registering-next, register a',
    'woken later': 'generating-key, generate-key b',
    're-register': 'registering, register a',
    roll: 'generating-key, generate-key b',
    'roll --discard': 'generating-key, generate-key b',
    csr: 'generating-key, generate-key b',
    'csr --new-key': 'generating-key, generate-key b',
    'current connected': 'serving',
    'hub refuses current': 'registering, register a',
    'session lost': 'serving, connect a',
  },
  registering: {
    'current registered': 'serving',
    'current connected': 'registering, register a',
    refusal: 'serving',
    'hub refuses current': 'registering, register a',
    'session lost': 'registering, register a, connect a',
  },
  'generating-key': {
    'key generated': 'requesting-leaf, request-leaf b',
    'current connected': 'generating-key, generate-key b',
    'hub refuses current': 'registering, register a',
    'session lost': 'generating-key, generate-key b, connect a',
  },
  'requesting-leaf': {
    'leaf delivered': 'registering-next, register b',
    'leaf delivered for the current key': 'registering-next, register a',
    'leaf issued': 'registering-next, register b',
    'current connected': 'requesting-leaf, request-leaf b',
    refusal: 'serving',
    'hub refuses current': 'registering, register a',
    'session lost': 'requesting-leaf, request-leaf b, connect a',
  },
  'registering-next': {
    'roll --discard': 'abandoning, register a',
    'next registered': 'connecting-next, connect b',
    'current connected': 'registering-next, register b',
    refusal: 'serving',
    'hub refuses current': 'registering-next, register b',
    'session lost': 'registering-next, register b, connect a',
  },
  'connecting-next': {
    'roll --discard': 'abandoning, register a',
    'current connected': 'connecting-next, connect b',
    'next connected': 'retiring-key, destroy-key a',
    refusal: 'connecting-next, connect b',
    'hub refuses current': 'connecting-next, connect b',
    'session lost': 'connecting-next, connect b, connect a',
  },
  'retiring-key': {
    'leaf delivered': 'retiring-key, destroy-key a',
    'leaf delivered for the current key': 'registering-next, register b',
    're-register': 'registering, register b',
    roll: 'retiring-key, destroy-key a',
    'roll --discard': 'retiring-key, destroy-key a',
    csr: 'retiring-key, destroy-key a',
    'csr --new-key': 'retiring-key, destroy-key a',
    'next connected': 'retiring-key, destroy-key a',
    'old key destroyed': 'serving',
    outage: 'retiring-key, destroy-key a',
    refusal: 'retiring-key, destroy-key a',
    'session lost': 'retiring-key, destroy-key a, connect b',
  },
  abandoning: {
    'current registered': 'retiring-key, destroy-key b',
    'current connected': 'abandoning, register a',
    refusal: 'serving',
    'hub refuses current': 'abandoning, register a',
    'session lost': 'abandoning, register a, connect a',
  },
  stranded: {
    'leaf delivered': 'stranded',
    'leaf delivered for the current key': 'registering-next, register a',
    'woken later': 'registering, register a',
    're-register': 'registering, register a',
    roll: 'generating-key, generate-key b',
    'roll --discard': 'generating-key, generate-key b',
    csr: 'generating-key, generate-key b',
    'csr --new-key': 'generating-key, generate-key b',
    'current connected': 'serving',
    'hub refuses current': 'registering, register a',
  },
};

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
        const counted = { trouble: 0, unreached: 0, unheard: 0 };
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
