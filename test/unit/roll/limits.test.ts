import { probeMs } from '../../../agent/roll/backoff.ts';
import { type Outcome, unprovisioned } from '../../../agent/roll/state.ts';
import { NOW } from './machine.ts';
import {
  asked,
  configuration,
  current,
  delivered,
  due,
  ended,
  expired,
  HOUR,
  MINUTE,
  probe,
  provisioning,
  rejected,
  request,
  table,
  tight,
  waits,
} from './standing.ts';

const broke = { budget: { left: 0, at: NOW } };
table('budget', [
  [
    'spent: a method waits three minutes',
    asked('re-register', 'method'),
    { ...broke, terms: tight },
    'budget: ignore',
    NOW + 3 * MINUTE,
  ],
  ['spent: the hub refuses', rejected, { ...broke, terms: tight }, 'budget: ignore', NOW + 3 * MINUTE],
  ['spent: the configuration changed', configuration, { ...broke, terms: tight }, 'budget: ignore', NOW + 3 * MINUTE],
  [
    'half of one is left',
    rejected,
    { budget: { left: 0.5, at: NOW }, terms: tight },
    'budget: ignore',
    NOW + 1.5 * MINUTE,
  ],
  ['one is left', rejected, { budget: { left: 1, at: NOW }, terms: tight }, 'rejected: re-register'],
  [
    'one has been earned since',
    rejected,
    { budget: { left: 0, at: NOW - 3 * MINUTE }, terms: tight },
    'rejected: re-register',
  ],
  [
    'a second too early',
    rejected,
    { budget: { left: 0, at: NOW - 3 * MINUTE + 1000 }, terms: tight },
    'budget: ignore',
    NOW + 1000,
  ],
  [
    'a clock that was set back earns nothing, and takes nothing',
    rejected,
    { budget: { left: 1, at: NOW + HOUR }, terms: tight },
    'rejected: re-register',
  ],
  [
    'spent by a clock that is ahead by no more than NTP corrects in passing',
    rejected,
    { budget: { left: 0, at: NOW + MINUTE }, terms: tight },
    'budget: ignore',
    NOW + 3 * MINUTE,
  ],
  [
    'spent by a clock that was further ahead, and has been set right',
    rejected,
    { budget: { left: 0, at: NOW + MINUTE + 1 }, terms: tight },
    'rejected: re-register',
  ],
  [
    'spent: a leaf that a method brings',
    { kind: 'delivered', request: request('roll', 'method') },
    { ...broke, terms: tight },
    'budget: ignore',
    NOW + 3 * MINUTE,
  ],
  [
    'spent: a method wants another key',
    { kind: 'new-key' },
    { ...broke, terms: tight },
    'budget: ignore',
    NOW + 3 * MINUTE,
  ],
  ['it is not', { kind: 'new-key' }, { terms: tight }, 'new-key: drop'],
  ['one that a technician brings', delivered, { ...broke, terms: tight }, 'delivered: roll'],
  ['a technician is outside of it', asked('roll', 'technician'), { ...broke, terms: tight }, 'asked: roll'],
  ['renewal by age is outside of it', due, { ...broke, terms: tight }, 'due: roll'],
  ['a probe is outside of it', probe, { ...broke, terms: tight }, 'probe: re-register'],
]);

const refused = ended('configuration', 'kept', NOW);
table('a configuration that DPS refuses', [
  ['a moment ago', configuration, { outcomes: [refused] }, 'configuration: ignore', NOW + probeMs(1, 0.5)],
  [
    'when the pause is over',
    configuration,
    { outcomes: [refused], now: NOW + 6 * MINUTE },
    'configuration: re-register',
  ],
  [
    'three times, and a probe in between',
    configuration,
    { outcomes: [ended('probe', 'kept', NOW), refused, refused, refused, ended('asked', 'done', NOW), refused] },
    'configuration: ignore',
    NOW + probeMs(3, 0.5),
  ],
  [
    'before one that was accepted',
    configuration,
    { outcomes: [ended('asked', 'done', NOW), refused] },
    'configuration: re-register',
  ],
  ['by a clock that was ahead', configuration, { outcomes: [refused], now: NOW - 1 }, 'configuration: re-register'],
  [
    'may have been corrected',
    { kind: 'configuration', isNew: true },
    { outcomes: [refused] },
    'configuration: re-register',
  ],
]);

const rolled = { lastRollAt: NOW - 20_000 };
const until = NOW + 40_000;
table('interval between rolls', [
  ['a leaf that is due does not wait for it', due, { ...rolled, terms: tight }, 'due: roll'],
  [
    'nor does one that has ended',
    due,
    { lastRollAt: current.notAfter - 1, terms: tight, now: current.notAfter },
    'due: roll',
  ],
  ['a method asks too soon', asked('roll', 'method'), { ...rolled, terms: tight }, 'roll-interval: ignore', until],
  ['a technician may', asked('roll', 'technician'), { ...rolled, terms: tight }, 'asked: roll'],
  ['a re-registration is no roll', asked('re-register', 'method'), { ...rolled, terms: tight }, 'asked: re-register'],
  [
    'but the first is, without a leaf',
    asked('re-register', 'method'),
    { ...rolled, base: unprovisioned, terms: tight },
    'roll-interval: ignore',
    until,
  ],
  [
    'a millisecond before it is over',
    asked('roll', 'method'),
    { ...rolled, terms: tight, now: until - 1 },
    'roll-interval: ignore',
    until,
  ],
  ['when it is over', asked('roll', 'method'), { ...rolled, terms: tight, now: until }, 'asked: roll'],
  [
    'a roll in the future was before the clock was set back',
    asked('roll', 'method'),
    { lastRollAt: NOW + HOUR, terms: tight },
    'asked: roll',
  ],
  ['provisioning goes on', provisioning, { ...rolled, terms: tight }, 'provisioning: roll'],
]);

table('clock', [
  ['a millisecond before a server was last seen', due, { lastSeen: NOW + 1 }, 'clock: ignore'],
  ['at that moment', due, { lastSeen: NOW }, 'due: roll'],
  ['before the leaf was valid', due, { now: current.notBefore - 1 }, 'clock: ignore'],
  ['before the build', due, { terms: { builtAt: NOW + 1 } }, 'clock: ignore'],
  ['no candidate is judged expired by it', expired, { lastSeen: NOW + 1, next: waits }, 'clock: ignore'],
  ['a refusal needs no clock', rejected, { lastSeen: NOW + 1 }, 'rejected: re-register'],
  ['nor does a person', asked('roll'), { lastSeen: NOW + 1 }, 'asked: roll'],
]);

// After one renewal that failed, the next is tried 5 minutes (and an eighth: the middle of the jitter) later.
const PAUSE = probeMs(1, 0.5);
const took = (ms: number): Outcome => ({ ...ended('due', 'kept', NOW), at: NOW - ms });
table('due', [
  ['a leaf that is due', due, {}, 'due: roll'],
  ['a leaf that has expired', due, { now: current.notAfter }, 'due: roll'],
  ['a parked candidate has a schedule of its own', due, { next: waits }, 'due: ignore'],
  [
    'the last renewal failed a moment ago',
    due,
    { outcomes: [ended('due', 'person', NOW)] },
    'due: ignore',
    NOW + PAUSE,
  ],
  [
    'a millisecond before the pause is over',
    due,
    { outcomes: [ended('due', 'kept', NOW - PAUSE + 1)] },
    'due: ignore',
    NOW + 1,
  ],
  ['when it is over', due, { outcomes: [ended('due', 'kept', NOW - PAUSE)] }, 'due: roll'],
  ['ten minutes are an attempt, and no pause', due, { outcomes: [took(10 * MINUTE)] }, 'due: ignore', NOW + PAUSE],
  [
    'what an attempt took beyond them was a pause: the way back waited for DPS',
    due,
    { outcomes: [took(10 * MINUTE + PAUSE - 1)] },
    'due: ignore',
    NOW + 1,
  ],
  ['the whole pause', due, { outcomes: [took(10 * MINUTE + PAUSE)] }, 'due: roll'],
  [
    'two in a row wait longer',
    due,
    { outcomes: [ended('due', 'failed', NOW), ended('due', 'kept', NOW)] },
    'due: ignore',
    NOW + 3 * PAUSE,
  ],
  [
    'one that went well ends the row',
    due,
    { outcomes: [ended('due', 'failed', NOW), ended('due', 'done', NOW), ended('due', 'kept', NOW)] },
    'due: ignore',
    NOW + PAUSE,
  ],
  ['other requests do not count', due, { outcomes: [ended('asked', 'failed', NOW)] }, 'due: roll'],
  [
    'nor does one in the future, before the clock was set back',
    due,
    { outcomes: [ended('due', 'failed', NOW + HOUR)] },
    'due: roll',
  ],
  [
    'the pause is at most half of what remains',
    due,
    { outcomes: [ended('due', 'failed', current.notAfter - 4 * MINUTE)], now: current.notAfter - 4 * MINUTE },
    'due: ignore',
    current.notAfter - 2 * MINUTE,
  ],
]);
