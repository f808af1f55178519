import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DAY, HOUR, MINUTE } from './gateway.ts';
import { type Origin, SERVING } from './origin.ts';
import { play } from './play.ts';
import type { Vector } from './vector.ts';

const isNew: Origin = { ...SERVING, begins: 'new', leftMs: 0 };
const ending: Origin = { ...SERVING, leftMs: 12 * MINUTE, lifetimeMs: 5 * HOUR };

type Story = readonly [what: string, origin: Origin, deeds: Vector['deeds'], ...spells: Vector['spells'][number][]];

/** Stories that broke a law once. */
const stories = (name: string, told: readonly Story[]): void => {
  describe(name, () => {
    for (const [what, origin, deeds, ...spells] of told)
      test(what, async () => assert.deepEqual((await play({ origin, spells, deeds })).broken, []));
  });
};

const ofADay = { fault: 'issuer: NL-EST-WAIT, retry after a day', from: 0, until: 5 * MINUTE };
stories('a key that signs nothing, and poisons the module instead, is replaced', [
  [
    'the current key is not there any more, and the link drops',
    SERVING,
    [
      { deed: 'key of the current leaf is lost', at: 30 * MINUTE },
      { deed: 'link drops', at: 31 * MINUTE },
    ],
  ],
  [
    'the file of the current key is damaged, and the link drops',
    SERVING,
    [
      { deed: 'the key of the current leaf is damaged', at: 30 * MINUTE },
      { deed: 'link drops', at: 31 * MINUTE },
    ],
  ],
  [
    'the same, and the leaf is renewed with its key',
    { ...SERVING, keepKey: true },
    [
      { deed: 'the key of the current leaf is damaged', at: 30 * MINUTE },
      { deed: 'link drops', at: 31 * MINUTE },
    ],
  ],
  [
    'a candidate with the same key is trusted by DPS, while the session is open',
    { ...SERVING, enrollment: 'individual', begins: 'given', keepKey: true, leftMs: DAY, minRollIntervalMs: DAY },
    [{ deed: 'the key of the current leaf is damaged', at: 2 * HOUR }],
    { fault: 'DPS: NL-DPS-HUB, candidate', from: 0, until: 10 * HOUR },
  ],
  [
    'persons bring the leaves',
    { ...SERVING, leftMs: 18 * HOUR, automatic: false },
    [
      { deed: 'the key of the current leaf is damaged', at: 4 * HOUR },
      { deed: 'link drops', at: 5 * HOUR },
    ],
  ],
  [
    'a session is open, and the back end asks for a registration',
    SERVING,
    [
      { deed: 'the key of the current leaf is damaged', at: 30 * MINUTE },
      { deed: 'method reprovision', at: 40 * MINUTE },
    ],
  ],
  [
    'each handshake of the current leaf does so for hours, and its key is well after that',
    SERVING,
    [{ deed: 'link drops', at: 31 * MINUTE }],
    { fault: 'token: each handshake poisons, current', from: 30 * MINUTE, until: 5 * HOUR },
  ],
  [
    'each handshake does so for hours',
    SERVING,
    [{ deed: 'link drops', at: 31 * MINUTE }],
    { fault: 'token: each handshake poisons, all', from: 30 * MINUTE, until: 5 * HOUR },
  ],
]);

const UNSIGNED = 'the issuer signs no more for a key of which DPS may trust a leaf: another is made';
const outdated = (at: number) => ({ deed: 'key_type changed', at }) as const;
stories(UNSIGNED, [
  [
    'a first leaf is discarded that DPS refuses',
    isNew,
    [outdated(70 * MINUTE), { deed: 'roll --discard', at: 72 * MINUTE }],
    { fault: 'DPS: NL-DPS-401002, all', from: 0, until: HOUR },
  ],
  [
    'a first leaf ends before it is enrolled, and the CA signs each key once',
    { ...isNew, enrollment: 'individual', lifetimeMs: 5 * HOUR, signsOnce: true },
    [],
  ],
  [
    'a person has brought a leaf of another CA, and discards it',
    { ...isNew, automatic: false },
    [
      { deed: 'csr and install of another CA', at: 30 * MINUTE },
      outdated(50 * MINUTE),
      { deed: 'roll --discard', at: HOUR },
    ],
  ],
  [
    'the leaf has ended, and a person discards the next one',
    { ...ending, enrollment: 'individual', signsOnce: true },
    [{ deed: 'roll --discard', at: HOUR }],
  ],
  [
    'the back end has installed a leaf of another CA, and the current one ends',
    { ...SERVING, leftMs: 3 * HOUR },
    [{ deed: 'requestCsr and installLeaf of another CA', at: 10 * MINUTE }, outdated(4 * HOUR)],
    { fault: 'issuer: NL-EST-UNREACHABLE', from: 0, until: 4 * HOUR },
  ],
]);

stories('what a request met that has ended is its outcome, and no trouble', [
  [
    'a back end asks in the minute in which the enrollment is disabled',
    SERVING,
    [
      { deed: 'enrollment disabled', at: 60 * MINUTE },
      { deed: 'method reprovision', at: 61 * MINUTE },
    ],
  ],
  [
    'DPS refuses the leaf that its hub accepts',
    SERVING,
    [{ deed: 'reprovision', at: 60 * MINUTE }],
    { fault: 'DPS: NL-DPS-REFUSED, current', from: 0, until: 2 * HOUR },
  ],
]);

stories('limits.min_roll_interval is a day, and bounds no leaf that is due', [
  ['leaves of five hours', { ...SERVING, leftMs: 3 * HOUR, lifetimeMs: 5 * HOUR, minRollIntervalMs: DAY }, []],
]);

stories('a far side says "in a day" once, and is well a minute later: at most an hour where nothing serves', [
  ['an issuer, and a new gateway', isNew, [], ofADay],
  ['an issuer, and a leaf that has ended', ending, [], { ...ofADay, until: HOUR }],
  [
    'DPS, and a hub that has forgotten the device',
    SERVING,
    [{ deed: 'hub forgets the device', at: MINUTE }],
    { fault: 'DPS: NL-DPS-THROTTLED, all, retry after a day', from: 0, until: 5 * MINUTE },
  ],
  [
    'DPS, and it has accepted the current leaf since: the candidate waits no day',
    { ...SERVING, enrollment: 'individual', begins: 'given', leftMs: 6 * HOUR, lifetimeMs: 30 * DAY },
    [],
    { fault: 'DPS: NL-DPS-THROTTLED, all, retry after a day', from: 0, until: 67 * MINUTE },
  ],
  [
    'an issuer, and what was asked without a session is taken back when it opens',
    { ...SERVING, enrollment: 'individual', leftMs: DAY, lifetimeMs: 30 * DAY },
    [
      { deed: 'link drops', at: 121 * MINUTE },
      { deed: 'power cut', at: 155 * MINUTE },
    ],
    { ...ofADay, until: 179 * MINUTE },
  ],
]);

const trusted = { fault: 'hub: NL-HUB-UNREACHABLE, candidate', from: 0, until: 10 * HOUR };
const damaged = [
  { deed: 'roll', at: 30 * MINUTE },
  { deed: 'the key of the current leaf is damaged', at: 40 * MINUTE },
] as const;
stories('a candidate that DPS trusts makes room where the current key is damaged, and no way leads back', [
  [
    'the key of the candidate is lost',
    SERVING,
    [...damaged, { deed: 'key of the candidate is lost', at: 42 * MINUTE }, { deed: 'link drops', at: 51 * MINUTE }],
    trusted,
  ],
  [
    'a person discards it',
    SERVING,
    [...damaged, { deed: 'roll --discard', at: 50 * MINUTE }, { deed: 'link drops', at: 51 * MINUTE }],
    trusted,
  ],
]);

stories('a key that DPS may trust makes room where its issuer signs it no second time', [
  [
    'DPS is silent until its leaf has ended',
    { ...SERVING, leftMs: DAY, lifetimeMs: 5 * HOUR, signsOnce: true },
    [{ deed: 'roll', at: 31 * MINUTE }],
    { fault: 'DPS: NL-DPS-TIMEOUT, all', from: 29 * MINUTE, until: 9 * HOUR },
  ],
]);

const alone: Origin = { ...SERVING, enrollment: 'individual' };
const takenOut = (at: number): Vector['deeds'] => [
  { deed: 'current leaf taken out', at },
  { deed: 'hub forgets the device', at: at + 10 * MINUTE },
];
const ahead = [10, 11, 12, 13, 14].map((at) => ({ deed: 'clock 2 hours ahead', at: at * MINUTE }) as const);
stories('two leaves of which neither serves are asked for by turns, whatever the clock says', [
  [
    'the clock is set back after DPS has refused both',
    { ...alone, leftMs: DAY },
    [...takenOut(HOUR), { deed: 'clock 2 hours back', at: 90 * MINUTE }],
  ],
  [
    'DPS does not answer about the candidate when the clock is right again',
    alone,
    [
      ...ahead,
      ...takenOut(50 * MINUTE),
      { deed: 'operator enrolls', at: 100 * MINUTE },
      { deed: 'clock is right', at: 3 * HOUR },
    ],
    { fault: 'DPS: NL-DPS-SERVER, all', from: 80 * MINUTE, until: 181 * MINUTE },
    { fault: 'DPS: NL-DPS-SERVER, candidate', from: 181 * MINUTE, until: 10 * HOUR },
  ],
  [
    'DPS does not answer about the candidate, and the operator enrolls the current leaf again',
    { ...alone, lifetimeMs: 30 * DAY },
    [...takenOut(HOUR), { deed: 'operator enrolls', at: 110 * MINUTE }],
    { fault: 'DPS: NL-DPS-SERVER, candidate', from: 100 * MINUTE, until: 10 * HOUR },
  ],
]);

stories('the current key signs nothing, and a foreign key has the other place: it is no last resort', [
  [
    'the issuer needs no person',
    { ...SERVING, leftMs: 3 * HOUR, lifetimeMs: 5 * HOUR },
    [
      { deed: 'a foreign key in slot b', at: 10 * MINUTE },
      { deed: 'the key of the current leaf is damaged', at: 20 * MINUTE },
    ],
  ],
  [
    'persons bring the leaves, and the owner of the token is called',
    { ...SERVING, leftMs: 3 * HOUR, automatic: false },
    [
      { deed: 'the key of the current leaf is damaged', at: 20 * MINUTE },
      { deed: 'a foreign key in slot b', at: 30 * MINUTE },
      { deed: 'csr and install', at: 40 * MINUTE },
    ],
  ],
]);

stories('a process that has lost its module', [
  [
    'gives way to a fresh one where neither can sign with the current leaf: another token, twice',
    {
      ...SERVING,
      enrollment: 'individual',
      begins: 'given',
      lifetimeMs: 30 * DAY,
      minRollIntervalMs: DAY,
      seed: 757531,
    },
    [
      { deed: 'another token is plugged in', at: 17 * MINUTE },
      { deed: 'the key of the current leaf is damaged', at: 200 * MINUTE },
      { deed: 'another token is plugged in', at: 534 * MINUTE },
    ],
    { fault: 'token: each handshake poisons, current', from: 0, until: 10 * HOUR },
  ],
]);

stories('a candidate that alone could serve is asked for before it ends', [
  [
    'its operator enrolls it after both leaves before it have ended in the dark',
    {
      ...SERVING,
      enrollment: 'individual',
      begins: 'given',
      keepKey: true,
      leftMs: 6 * HOUR,
      lifetimeMs: 5 * HOUR,
      seed: 777528,
    },
    [{ deed: 'dark until every leaf has ended', at: 353 * MINUTE }],
    { fault: 'no network', from: 391 * MINUTE, until: 451 * MINUTE },
  ],
]);

stories('a pause that began by a clock which was ahead is no longer than others', [
  [
    'a process each hour, and the clock was set right between two of them',
    { ...SERVING, enrollment: 'individual', leftMs: DAY, lifetimeMs: 30 * DAY, signsOnce: true, seed: 812657 },
    [
      { deed: 'dark until every leaf has ended', at: 185 * MINUTE },
      { deed: 'the key of the current leaf is damaged', at: 356 * MINUTE },
      { deed: 'clock 2 hours ahead', at: 547 * MINUTE },
    ],
    { fault: 'DPS: NL-DPS-OTHER, candidate', from: 0, until: 10 * HOUR },
  ],
]);

stories('a leaf that the disk knows is registered, whatever the disk takes since', [
  [
    'each handshake of the next leaf has poisoned the token, and no leaf is left',
    { ...SERVING, leftMs: 0.2 * HOUR, lifetimeMs: 30 * DAY, signsOnce: true, seed: 830784 },
    [{ deed: 'dark until every leaf has ended', at: 78 * MINUTE }],
    { fault: 'token: each handshake poisons, candidate', from: 53 * MINUTE, until: 130 * MINUTE },
    { fault: 'disk: takes nothing', from: 131 * MINUTE, until: 10 * HOUR },
  ],
]);

stories('a process that poisons itself, where the disk takes no note of it, ends each quarter of an hour at most', [
  [
    'each handshake poisons, and Azure issues the leaves',
    { ...SERVING, leftMs: 0.2 * HOUR, lifetimeMs: 30 * DAY, onboardingLeftMs: 2 * HOUR, seed: 831412 },
    [{ deed: 'dark for a month', at: 222 * MINUTE }],
    { fault: 'token: each handshake poisons, all', from: 465 * MINUTE, until: 10 * HOUR },
    { fault: 'disk: takes nothing', from: 509 * MINUTE, until: 10 * HOUR },
  ],
]);

stories('the last resort got a leaf for the current key, which signs nothing since: another key is made', [
  [
    'four keys before it signed nothing either',
    { ...SERVING, leftMs: DAY, lifetimeMs: 30 * DAY, seed: 840622 },
    [{ deed: 'the key of the current leaf is damaged', at: 377 * MINUTE }],
    { fault: 'token: each handshake poisons, candidate', from: 0, until: 10 * HOUR },
    { fault: 'token: makes no key, NL-TOKEN-FAILED', from: 137 * MINUTE, until: 10 * HOUR },
  ],
]);
