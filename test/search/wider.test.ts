import { DAY, HOUR, MINUTE } from './gateway.ts';
import { type Origin, SERVING } from './origin.ts';
import { stories } from './stories.ts';

const isNew: Origin = { ...SERVING, begins: 'new', leftMs: 0 };
const ending: Origin = { ...SERVING, leftMs: 12 * MINUTE, lifetimeMs: 5 * HOUR };

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
