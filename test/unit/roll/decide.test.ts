import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { decide, RULES } from '../../../agent/roll/decide.ts';
import type { Phase } from '../../../agent/roll/phase.ts';
import { unprovisioned } from '../../../agent/roll/state.ts';
import { again, made, met, wanted } from './candidates.ts';
import { NOW, terms } from './machine.ts';
import {
  asked,
  candidate,
  configuration,
  current,
  delivered,
  due,
  expired,
  last,
  notEnrolled,
  person,
  probe,
  provisioning,
  type Row,
  refusedBy,
  rejected,
  request,
  rest,
  table,
  tight,
  waits,
} from './standing.ts';

test('the order of the rules is the policy', () => {
  assert.deepEqual(
    RULES.map(([name]) => name),
    [
      ...[
        'grace',
        'candidate-rejected',
        'assigned-but-refused',
        'single-flight',
        'budget',
        'roll-interval',
        'clock',
        'candidate-expired',
      ],
      ...[
        'new-key',
        'person',
        'due',
        'asked',
        'delivered',
        'rejected',
        'dps-refused',
        'unreached',
        'key-lost',
        'last-resort',
        'configuration',
        'given-key',
        'provisioning',
        'probe',
      ],
    ],
  );
});

table('grace: the hub can lag DPS', [
  ['the first refusal after an assignment', rejected, { grace: 0 }, 'grace: ignore'],
  ['the last but one', rejected, { grace: last - 1 }, 'grace: ignore'],
  ['the last is believed', rejected, { grace: last }, 'rejected: re-register'],
  ['without an assignment just before, at once', rejected, {}, 'rejected: re-register'],
  ['it holds for the hub only', notEnrolled, { phase: 'registering', grace: 0 }, 'dps-refused: roll'],
  ['it goes before the budget', rejected, { grace: 0, budget: { left: 0, at: NOW }, terms: tight }, 'grace: ignore'],
]);

table('assigned but refused: DPS is not asked a third time', [
  [
    'the second assignment that the hub does not honour',
    rejected,
    { grace: last, unproven: 1 },
    'assigned-but-refused: strand',
  ],
  ['the first', rejected, { grace: last, unproven: 0 }, 'rejected: re-register'],
  ['a refusal that came later is no such thing', rejected, { unproven: 1 }, 'rejected: re-register'],
  ['not while the grace lasts', rejected, { grace: 3, unproven: 1 }, 'grace: ignore'],
]);

const planned = { ...request('roll', 'method'), id: 'planned', startAt: NOW };
const busyPhases: readonly Phase[] = ['registering', 'registering-next', 'connecting-next', 'abandoning'];
table('single flight', [
  ...busyPhases.map((phase): Row => [`asked in ${phase}`, asked('roll'), { phase }, 'single-flight: ignore']),
  ...busyPhases.map((phase): Row => [`rejected in ${phase}`, rejected, { phase }, 'single-flight: ignore']),
  ['asked while waiting for the issuer', asked('re-register'), { phase: 'requesting-leaf' }, 'single-flight: ignore'],
  [
    'asked to register while the issuer keeps failing',
    asked('re-register'),
    { phase: 'requesting-leaf', request: request('roll'), workTrouble: met(failure('NL-EST-UNREACHABLE')) },
    'asked: re-register',
  ],
  [
    'asked to roll while the issuer keeps failing',
    asked('roll'),
    { phase: 'requesting-leaf', request: request('roll'), workTrouble: met(failure('NL-EST-UNREACHABLE')) },
    'single-flight: ignore',
  ],
  [
    'but a refusal by the hub is answered there',
    rejected,
    { phase: 'requesting-leaf', request: request('roll') },
    'rejected: re-register',
  ],
  ['and while a key is made', rejected, { phase: 'generating-key', request: request('roll') }, 'rejected: re-register'],
  ['asked to roll while a key is made for a CSR', asked('roll'), { phase: 'generating-key' }, 'asked: roll'],
  [
    'but not while one is made for another roll',
    asked('roll'),
    { phase: 'generating-key', request: request('roll') },
    'single-flight: ignore',
  ],
  ['asked to register there', asked('re-register'), { phase: 'generating-key' }, 'single-flight: ignore'],
  [
    'a rung of the ladder while a key is made for a person',
    probe,
    { phase: 'generating-key', next: { ...wanted('delivery'), rest } },
    'single-flight: ignore',
  ],
  ['a request in flight, though the phase rests', due, { request: request('re-register') }, 'single-flight: ignore'],
  ['asked while the old key is destroyed', asked('roll'), { phase: 'retiring-key' }, 'asked: roll'],
  ['asked while stranded', asked('re-register'), { phase: 'stranded' }, 'asked: re-register'],
  ['a method while another is planned', asked('roll', 'method'), { scheduled: planned }, 'single-flight: ignore'],
  ['the planned one itself', { kind: 'asked', request: planned }, { scheduled: planned }, 'asked: roll'],
  ['a technician does not wait for it', asked('roll'), { scheduled: planned }, 'asked: roll'],
  [
    'a refusal by DPS belongs to what is in flight',
    notEnrolled,
    { phase: 'registering', request: request('re-register') },
    'dps-refused: roll',
  ],
]);

table('a candidate that expired', [
  ['is given up', expired, { next: waits }, 'candidate-expired: drop'],
  ['also while it is proven', expired, { next: again, phase: 'registering-next' }, 'candidate-expired: drop'],
  ['but not while the current leaf is', expired, { next: waits, phase: 'registering' }, 'single-flight: ignore'],
]);

table('an issuer that needs a person', [
  ['due', due, { terms: person }, 'person: ignore'],
  ['asked to roll', asked('roll'), { terms: person }, 'person: ignore'],
  ['a new gateway', provisioning, { base: unprovisioned, terms: person }, 'person: ignore'],
  ['asked to re-register', asked('re-register'), { terms: person }, 'asked: re-register'],
  ['rejected', rejected, { terms: person }, 'rejected: re-register'],
]);

table('asked', [
  ['to re-register', asked('re-register', 'method'), {}, 'asked: re-register'],
  ['to roll', asked('roll', 'method'), {}, 'asked: roll'],
  ['to re-register a gateway without a leaf', asked('re-register'), { base: unprovisioned }, 'asked: roll'],
  ['which has a candidate', asked('re-register'), { base: unprovisioned, next: waits }, 'asked: re-register'],
]);

table('delivered', [
  ['a leaf that somebody brings', delivered, {}, 'delivered: roll'],
  [
    'while a roll waits for its issuer',
    delivered,
    { phase: 'requesting-leaf', request: request('roll') },
    'delivered: roll',
  ],
  ['in the middle of other work', delivered, { phase: 'registering-next' }, 'single-flight: ignore'],
  ['while a request is in flight', delivered, { request: request('roll') }, 'single-flight: ignore'],
  ['where the issuer needs a person', delivered, { terms: person }, 'delivered: roll'],
  ['while a candidate is parked', delivered, { next: waits }, 'delivered: roll'],
  ['by a clock that is not credible', delivered, { lastSeen: NOW + 1 }, 'delivered: roll'],
]);

const registering = { phase: 'registering' } as const;
table('DPS refuses the current leaf', [
  ['not enrolled: one roll may cure it', notEnrolled, registering, 'dps-refused: roll'],
  ['unknown: one roll may cure it', refusedBy('NL-DPS-404201'), registering, 'dps-refused: roll'],
  ['the CONNECT was refused: one roll may cure it', refusedBy('NL-DPS-REJECTED'), registering, 'dps-refused: roll'],
  ['once for this leaf', notEnrolled, { ...registering, rolledFor: current.thumbprint }, 'dps-refused: ignore'],
  [
    'another leaf has a roll of its own',
    notEnrolled,
    { ...registering, rolledFor: candidate.thumbprint },
    'dps-refused: roll',
  ],
  [
    'once, and the hub refuses it, too',
    notEnrolled,
    { ...registering, rolledFor: current.thumbprint, rejected: true },
    'dps-refused: strand',
  ],
  ['a disabled enrollment refuses every leaf', refusedBy('NL-DPS-DISABLED'), registering, 'dps-refused: ignore'],
  [
    'disabled, and the hub refuses it, too',
    refusedBy('NL-DPS-DISABLED'),
    { ...registering, rejected: true },
    'dps-refused: strand',
  ],
  ['there is a candidate already', notEnrolled, { ...registering, next: waits, rejected: true }, 'dps-refused: strand'],
  [
    'a CSR that is out is no candidate yet',
    notEnrolled,
    { ...registering, next: made('delivery') },
    'dps-refused: roll',
  ],
  ['the issuer needs a person', notEnrolled, { ...registering, rejected: true, terms: person }, 'dps-refused: strand'],
  [
    'the budget does not stop it',
    notEnrolled,
    { ...registering, budget: { left: 0, at: NOW }, terms: tight },
    'dps-refused: roll',
  ],
]);

table('what newleaf begins by itself', [
  ['the configuration changed what was registered', configuration, {}, 'configuration: re-register'],
  ['the token brought a leaf', { kind: 'given-key' }, {}, 'given-key: re-register'],
  ['there is no leaf', provisioning, { base: unprovisioned }, 'provisioning: roll'],
  ['time to ask DPS again', probe, { next: waits }, 'probe: re-register'],
  ['time to ask the issuer again', probe, { next: { ...made(), rest, tries: 1 } }, 'probe: roll'],
  ['time to ask while stranded', probe, { phase: 'stranded' }, 'probe: re-register'],
]);

test('a signal that no rule answers is ignored, and said so', () => {
  const { rule, action } = decide(due, { state: unprovisioned, terms, now: NOW });
  assert.deepEqual([rule, action], ['otherwise', 'ignore']);
});
