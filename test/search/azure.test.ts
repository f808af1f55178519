import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AZURE_FAULTS } from './azure/faults.ts';
import { FAULTS } from './faults.ts';
import { DAY, HOUR, MINUTE } from './gateway.ts';
import type { Origin } from './origin.ts';
import { play } from './play.ts';
import type { Vector } from './vector.ts';

const YEARS = 1_000 * DAY;
const serving = { seed: 1, enrollment: 'group', begins: 'serving', automatic: true, onboardingLeftMs: YEARS } as const;
const monthly: Origin = { ...serving, leftMs: 10 * DAY, lifetimeMs: 30 * DAY };
const daily: Origin = { ...serving, leftMs: 3 * HOUR, lifetimeMs: 24 * HOUR };

/** Stories that broke a law once, as short as the search could make them. */
const STORIES: readonly (readonly [what: string, vector: Vector])[] = [
  [
    'a leaf of the hub is refused for good, as the device was revoked meanwhile: its key gets another',
    {
      origin: monthly,
      spells: [{ fault: 'hub: NL-HUB-REJECTED, candidate', from: 0, until: HOUR }],
      deeds: [{ deed: 'the device is revoked', at: 30 * MINUTE }],
    },
  ],
  [
    'the hub is gone, and DPS accepts the onboarding certificate no more: a person is called',
    { origin: { ...daily, onboardingLeftMs: 2 * HOUR }, spells: [], deeds: [{ deed: 'hub1 is gone', at: 4 * HOUR }] },
  ],
  [
    'the hub is gone, and the onboarding key is in another token: the same',
    {
      origin: { ...serving, leftMs: 30 * DAY, lifetimeMs: 24 * HOUR, onboardingLeftMs: 2 * HOUR },
      spells: [],
      deeds: [
        { deed: 'another token is plugged in', at: 140 * MINUTE },
        { deed: 'hub1 is gone', at: 187 * MINUTE },
        { deed: 'csr and install', at: 509 * MINUTE },
      ],
    },
  ],
  [
    'the CA is replaced, and a person brings a leaf of yet another CA, while DPS does not know the gateway',
    {
      origin: { ...serving, leftMs: 30 * DAY, lifetimeMs: 24 * HOUR, onboardingLeftMs: 0 },
      spells: [],
      deeds: [
        { deed: 'the CA is replaced, and the session ends', at: 47 * MINUTE },
        { deed: 'requestCsr and installLeaf of another CA', at: 109 * MINUTE },
        { deed: 'another endpoint', at: 558 * MINUTE },
      ],
    },
  ],
  [
    'the hub refuses a leaf that got no answer for hours: its ladder begins anew',
    {
      origin: { ...serving, seed: 3585, leftMs: 30 * DAY, lifetimeMs: 24 * HOUR },
      spells: [{ fault: 'hub: NL-HUB-CLOSED, candidate', from: 0, until: 10 * HOUR }],
      deeds: [
        { deed: 'rotate_key changed', at: 284 * MINUTE },
        { deed: 'the device is disabled', at: 456 * MINUTE },
        { deed: 'the CA is replaced, and the hub learns of it 40 minutes later', at: 484 * MINUTE },
      ],
    },
  ],
  [
    'DPS has moved the gateway, and its session at the hub before brings leaves that are for nothing there',
    {
      origin: { ...serving, seed: 4145, leftMs: 24 * HOUR, lifetimeMs: 30 * DAY },
      spells: [],
      deeds: [
        { deed: 'moved to hub2', at: 355 * MINUTE },
        { deed: 'csr and install of another CA', at: 434 * MINUTE },
      ],
    },
  ],
  [
    'DPS assigns a hub of MQTT 5, and issues a leaf each time',
    {
      origin: { ...serving, seed: 3983, leftMs: 12 * MINUTE, lifetimeMs: 30 * DAY },
      spells: [{ fault: 'DPS: assigns a hub of MQTT 5', from: 0, until: 10 * HOUR }],
      deeds: [],
    },
  ],
  [
    'the hub accepts each new leaf, and refuses it a moment later',
    {
      origin: { ...serving, seed: 10339, leftMs: 12 * MINUTE, lifetimeMs: 24 * HOUR },
      spells: [
        { fault: 'hub: NL-HUB-REJECTED, current', from: 278 * MINUTE, until: 10 * HOUR },
        { fault: 'hub: ends each session after 5 s', from: 485 * MINUTE, until: 10 * HOUR },
      ],
      deeds: [],
    },
  ],
  [
    'the hub accepts a request, and issues nothing: it is asked again in the same session',
    {
      origin: daily,
      spells: [{ fault: 'hub: sends a 202, and no certificate', from: 0, until: 10 * HOUR }],
      deeds: [{ deed: 'roll --discard', at: 194 * MINUTE }],
    },
  ],
  [
    'DPS knows a leaf of the key that the issuer does not take any more: the next one gets its place',
    {
      origin: { ...daily, seed: 756742, leftMs: 30 * DAY },
      spells: [{ fault: 'hub: refuses the request after the 202, 400037', from: 174 * MINUTE, until: 10 * HOUR }],
      deeds: [
        { deed: 'csr and install of another CA', at: 522 * MINUTE },
        { deed: 'key_type changed', at: 533 * MINUTE },
      ],
    },
  ],
  [
    'a newer leaf that lies beside its key, and that the hub has refused for good, is not taken up again',
    {
      origin: { ...monthly, leftMs: DAY, minRollIntervalMs: DAY, seed: 804611 },
      spells: [
        { fault: 'DPS: issues no leaf, NL-DPS-OTHER', from: 0, until: 101 * MINUTE },
        { fault: 'DPS: assigns a hub of MQTT 5', from: 25 * MINUTE, until: 97 * MINUTE },
        { fault: 'token: each handshake poisons, candidate', from: 243 * MINUTE, until: 10 * HOUR },
      ],
      deeds: [
        { deed: 'state copied', at: 213 * MINUTE },
        { deed: 'dark until every leaf has ended', at: 230 * MINUTE },
        { deed: 'the device is revoked', at: 525 * MINUTE },
        { deed: 'older state put back', at: 529 * MINUTE },
      ],
    },
  ],
  [
    'a person is called where a roll waits for another onboarding certificate while the leaf serves',
    {
      origin: { ...monthly, leftMs: 30 * DAY, seed: 800982 },
      spells: [{ fault: 'hub: NL-HUB-UNAVAILABLE, all', from: 0, until: 10 * HOUR }],
      deeds: [
        { deed: 'the onboarding certificate ends', at: 240 * MINUTE },
        { deed: 'csr and install of another CA', at: 256 * MINUTE },
        { deed: 'key_type changed', at: 315 * MINUTE },
      ],
    },
  ],
  [
    'no key after the other is made while the onboarding certificate is refused',
    {
      origin: { ...monthly, leftMs: 12 * MINUTE, lifetimeMs: 5 * HOUR, onboardingLeftMs: 2 * HOUR, seed: 807379 },
      spells: [{ fault: 'token: each handshake poisons, current', from: 33 * MINUTE, until: 10 * HOUR }],
      deeds: [{ deed: 'the device is disabled', at: 101 * MINUTE }],
    },
  ],
];

for (const [what, vector] of STORIES) test(what, async () => assert.deepEqual((await play(vector)).broken, []));

test('a fault of Azure has no name of another', () => {
  assert.deepEqual(
    [...AZURE_FAULTS.keys()].filter((name) => FAULTS.has(name)),
    [],
  );
});
