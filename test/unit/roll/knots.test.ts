import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  hasItsTime,
  hasNoWayBack,
  isKeyLost,
  isNextLost,
  isProving,
  isRejected,
  isTrusted,
  isUnheard,
  isUnwanted,
  wish,
} from '../../../agent/roll/core/knots.ts';
import type { Answer, Memory } from '../../../agent/roll/core/memory.ts';
import { HOUR, NOW, terms } from './machine.ts';
import { answer, circumstances, leafed, MEMORIES, made, parked, served, serving, trusted } from './memories.ts';
import { candidate, current, request } from './standing.ts';

const refused = (times = 1) => answer('refused', 'NL-HUB-REJECTED', { times });
const silent = (times: number) => answer('silent', 'NL-HUB-UNREACHABLE', { times });
const keyless = (times: number) => answer('broken', 'NL-TOKEN-KEY', { times });
const accepted = answer('accepted');
const met = (answers: Memory['answers'], memory = served): Memory => ({ ...memory, answers });
/** DPS has accepted the current leaf, and the hub has said this since. */
const assigned = (told: Answer): Memory => met({ 'register current': accepted, 'connect current': told });
const c = circumstances();
const later = answer('refused', 'NL-DPS-401002', { at: NOW + 1 });
const denied = answer('refused', 'NL-DPS-401002');
const both: Memory = { ...served, next: leafed() };
const proving = MEMORIES['connecting-next'];
const discarded: Memory = { ...both, next: { ...leafed(), isDiscarded: true } };

type Row = readonly [what: string, is: boolean | string | undefined, expected: boolean | string | undefined];
const ROWS: Readonly<Record<string, readonly Row[]>> = {
  'the hub refuses a leaf for good': [
    ['at the first refusal', isRejected(met({ 'connect current': refused() }), 'current'), true],
    ['but DPS has just accepted it', isRejected(assigned(refused(9)), 'current'), false],
    ['at the tenth then', isRejected(assigned(refused(10)), 'current'), true],
    [
      'a candidate went out before a power cut: DPS may trust that one',
      isRejected({ ...assigned(refused()), next: leafed(), trusts: [...served.trusts, trusted(candidate)] }, 'current'),
      true,
    ],
    ['never by a silence', isRejected(met({ 'connect current': silent(99) }), 'current'), false],
  ],
  'no hub answers for long': [
    ['not after 19', isUnheard(met({ 'connect current': silent(19) }), 'current'), false],
    ['after 35 for each serial', isUnheard(met({ 'connect current': silent(35) }), 'current'), true],
    ['DPS has named the hub since: an hour', isUnheard(assigned(silent(59)), 'current'), false],
    ['which is over', isUnheard(assigned(silent(60)), 'current'), true],
    ['a refusal is an answer', isUnheard(met({ 'connect current': refused(99) }), 'current'), false],
    [
      'a token that signs nothing for the candidate',
      isUnheard(met({ 'connect next': keyless(3) }, both), 'next'),
      true,
    ],
  ],
  'the key of the current leaf is lost': [
    ['not after 19 attempts', isKeyLost(met({ sign: keyless(19) })), false],
    ['after 20', isKeyLost(met({ sign: keyless(20) })), true],
    ['at once where no process heals it', isKeyLost(met({ sign: { ...keyless(1), lasting: true } })), true],
    [
      'at once where the hub refuses the leaf as well',
      isKeyLost(met({ sign: keyless(1), 'register current': keyless(1), 'connect current': refused() })),
      true,
    ],
    [
      'not while a session is open',
      isKeyLost(met({ sign: keyless(1), 'register current': keyless(1) }, serving)),
      false,
    ],
  ],
  'the key of the candidate is lost': [
    ['not after one read', isNextLost(met({ 'register next': keyless(1) }, { ...serving, next: leafed() })), false],
    [
      'after two beside a session',
      isNextLost(met({ 'register next': keyless(2) }, { ...serving, next: leafed() })),
      true,
    ],
    ['after three without', isNextLost(met({ 'register next': keyless(2) }, both)), false],
    [
      'at once where a technician asks for a roll',
      isNextLost(met({ 'register next': keyless(1) }, { ...both, ask: { request: request('roll') } })),
      true,
    ],
  ],
  'the candidate': [
    ['is unwanted once it is discarded', isUnwanted(discarded), true],
    ['and not because DPS refuses it', isUnwanted(parked), false],
    ['is trusted once it was sent', isTrusted({ ...both, trusts: [trusted(candidate)] }), true],
    ['or an earlier leaf of its key', isTrusted({ ...both, trusts: [{ thumbprint: 'T', keyId: 'g1' }] }), true],
    ['not because the current leaf has the same key', isTrusted({ ...both, next: made('due', current.key) }), false],
    ['is with the hub once it is assigned', isProving(proving), true],
    ['until that refuses it for good', isProving(MEMORIES.abandoning), false],
  ],
  'there is no way back': [
    ['the current leaf has expired', hasNoWayBack(both, circumstances({ now: current.notAfter })), true],
    ['DPS refuses it since', hasNoWayBack(met({ 'register current': denied }, both), c), true],
    [
      'it refused it before the candidate',
      hasNoWayBack(met({ 'register current': denied, 'register next': later }, both), c),
      false,
    ],
    ['nothing is wrong with it', hasNoWayBack(both, c), false],
  ],
  'the hub has its time for a leaf': [
    ['that DPS has just accepted', hasItsTime(met({ 'register current': accepted }), 'current'), true],
    ['until it refuses it for good', hasItsTime(assigned(refused(10)), 'current'), false],
    ['or is silent for long', hasItsTime(assigned(silent(35)), 'current'), false],
    ['not without an acceptance', hasItsTime(served, 'current'), false],
  ],
  'another leaf is wanted': [
    ['not by a gateway that serves', wish(serving, c), undefined],
    ['there is none', wish(MEMORIES.unprovisioned, c), 'provisioning'],
    ['it is due', wish(serving, circumstances({ now: NOW + 3 * HOUR })), 'due'],
    [
      'also by a clock that is too early',
      wish({ ...serving, lastSeen: NOW + 9 * HOUR }, circumstances({ now: NOW + 3 * HOUR })),
      'due',
    ],
    ['its key is lost', wish(met({ sign: keyless(20) }), c), 'key-lost'],
    ['DPS refuses it, and nothing serves', wish(met({ 'register current': denied }), c), 'dps-refused'],
    [
      'not where the enrollment is disabled',
      wish(met({ 'register current': answer('refused', 'NL-DPS-DISABLED') }), c),
      undefined,
    ],
    ['not while a session is open', wish(met({ 'register current': denied }, serving), c), undefined],
    [
      'never by the TPM',
      wish(MEMORIES.unprovisioned, circumstances({ terms: { ...terms, attestation: 'tpm' } })),
      undefined,
    ],
    [
      'not where persons bring them',
      wish(MEMORIES.unprovisioned, circumstances({ terms: { ...terms, automatic: false } })),
      undefined,
    ],
    ['whoever asks', wish(MEMORIES['generating-key'], c), 'asked'],
  ],
};

for (const [knot, rows] of Object.entries(ROWS)) {
  describe(knot, () => {
    for (const [what, is, expected] of rows) test(`${what}: ${expected}`, () => assert.equal(is, expected));
  });
}
