import { DAY, HOUR, MINUTE } from './gateway.ts';
import { type Origin, SERVING } from './origin.ts';
import { stories } from './stories.ts';
import type { Vector } from './vector.ts';

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

stories('a clock that was ahead leaves nothing behind', [
  [
    'a candidate has expired by the clock that is right, which the current leaf says is too early',
    { ...SERVING, lifetimeMs: DAY },
    [
      { deed: 'clock 400 days ahead', at: 160 * MINUTE },
      { deed: 'clock in 1970', at: 233 * MINUTE },
      { deed: 'roll', at: 525 * MINUTE },
    ],
    { fault: 'DPS: NL-DPS-HUB, candidate', from: 414 * MINUTE, until: 10 * HOUR },
  ],
  [
    'the pause of a refusal is of that clock, and the current leaf says that the one which is right is too early',
    { ...SERVING, lifetimeMs: 5 * HOUR, signsOnce: true, minRollIntervalMs: DAY },
    [
      { deed: 'clock 400 days ahead', at: 216 * MINUTE },
      { deed: 'a restart each three minutes', at: 440 * MINUTE },
      { deed: 'the key of the current leaf is damaged', at: 507 * MINUTE },
      { deed: 'reprovision', at: 568 * MINUTE },
    ],
    { fault: 'issuer: gives NL-LEAF-CN', from: 298 * MINUTE, until: 10 * HOUR },
  ],
]);

stories('Azure issues the leaves: DPS accepts a candidate whose key signs nothing', [
  [
    'an older state is put back, whose leaf no hub takes any more',
    { ...SERVING, leftMs: DAY, onboardingLeftMs: 24_000 * HOUR },
    [
      { deed: 'state copied', at: 27 * MINUTE },
      { deed: 'the CA is replaced, and the session ends', at: 188 * MINUTE },
      { deed: 'the key of the current leaf is damaged', at: 209 * MINUTE },
      { deed: 'older state put back', at: 302 * MINUTE },
    ],
  ],
]);

stories(
  'DPS trusts the candidate, whose hub is silent: a restart costs the session, and the current leaf has its turn',
  [
    [
      'its own acceptance was before that, and its refusal after',
      SERVING,
      [
        { deed: 'roll', at: 79 * MINUTE },
        { deed: 'roll --discard', at: 260 * MINUTE },
        { deed: 'roll --discard', at: 432 * MINUTE },
        { deed: 'key_type changed', at: 502 * MINUTE },
      ],
      { fault: 'hub: NL-HUB-CLOSED, candidate', from: 0, until: 10 * HOUR },
    ],
  ],
);

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

stories('a person brings the next leaf: what an issuer refused before is not told with it', [
  [
    'the key is kept, and the hub had taken the candidate for a twin',
    { ...SERVING, keepKey: true, lifetimeMs: 30 * DAY, onboardingLeftMs: 24_000 * HOUR, seed: 904160 },
    [
      { deed: 'method roll', at: 40 * MINUTE },
      { deed: 'the token is pulled', at: 166 * MINUTE },
      { deed: 'requestCsr and installLeaf of another CA', at: 218 * MINUTE },
    ],
    { fault: 'hub: NL-HUB-TWIN, candidate', from: 0, until: 10 * HOUR },
  ],
]);

stories('a key that is not there begins a ladder of its own, whatever the token failed at with it before', [
  [
    'the next key is in a token that was taken away again',
    { ...SERVING, keepKey: true, leftMs: 6 * HOUR, lifetimeMs: 30 * DAY, seed: 901875 },
    [
      { deed: 'method roll', at: 39 * MINUTE },
      { deed: 'another token is plugged in', at: 170 * MINUTE },
      { deed: 'the key of the current leaf is damaged', at: 426 * MINUTE },
    ],
    { fault: 'issuer: NL-EST-WAIT', from: 0, until: 10 * HOUR },
    { fault: 'token: signs no CSR, NL-TOKEN-POISONED', from: 512 * MINUTE, until: 10 * HOUR },
  ],
]);
