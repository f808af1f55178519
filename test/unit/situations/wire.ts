import assert from 'node:assert/strict';
import { dpsLinkFault as dpsFault } from '../../../agent/dps/refusal.ts';
import { readDpsAnswer } from '../../../agent/dps/wire.ts';
import { type Failure, failure } from '../../../agent/failure/failure.ts';
import { failureOf } from '../../../agent/failure/failure-of.ts';
import { hubLinkFault as hubFault } from '../../../agent/hub/link-fault.ts';
import type { Attempt } from '../../../agent/mqtt/attempt.ts';
import { placeOf } from '../../../agent/roll/leaf.ts';
import type { RollEffect } from '../../../agent/roll/state.ts';
import { hub as hub1, terms } from '../roll/machine.ts';
import type { Standing, Told } from '../roll/stage.ts';
import { candidate, request } from '../roll/standing.ts';

type Kind = RollEffect['kind'];

/** Something that comes over the wire, or from inside: the event that the agent makes of it in this standing. */
export interface Wire {
  /** What it answers: time passes until that is in flight. */
  readonly answers?: Kind;
  /** When it comes, by the wall clock in milliseconds. Default: now. */
  readonly at?: number;
  readonly told: (standing: Standing) => Told;
}

/** The effect of this kind that is in flight; what answers nothing is a mistake of the table. */
function inFlight<K extends Kind>({ c, state }: Standing, kind: K): Extract<RollEffect, { kind: K }> {
  const { work, session } = c.flying;
  const isOfKind = (effect: RollEffect | undefined): effect is Extract<RollEffect, { kind: K }> =>
    effect?.kind === kind;
  return [work, session].find(isOfKind) ?? assert.fail(`no ${kind} in flight in ${state.phase}`);
}

const failed = (kind: Kind, why: Failure): Wire => ({
  answers: kind,
  told: (standing) => ({ kind: 'failed', effect: inFlight(standing, kind), failure: why }),
});

/** The hub, towards whatever connects to it at the moment: a candidate before the current leaf. */
export const hub = {
  /** Answers CONNECT. */
  connack: (code: number): Wire => failed('connect', failureOf(hubFault({ phase: 'refused', connack: code }))),
  /** The attempt ends without CONNACK. */
  ends: (phase: Attempt['phase'], socketError?: string): Wire =>
    failed('connect', failureOf(hubFault({ phase, ...(socketError && { socketError }) }))),
  /** CONNACK 0, and the twin is read. */
  accepts: {
    answers: 'connect',
    told: (standing) => {
      const { leaf, assignment } = inFlight(standing, 'connect');
      return { kind: 'connected', thumbprint: leaf.thumbprint, hub: placeOf(assignment) };
    },
  } satisfies Wire as Wire,
  /** The open session ends after so many milliseconds. */
  drops: (heldMs: number): Wire => ({
    told: ({ memory: { current } }) => ({
      kind: 'lost',
      thumbprint: current?.thumbprint ?? '',
      heldMs,
      failure: failure('NL-HUB-LOST'),
    }),
  }),
  /** Any other code of the session, as its own test has it. */
  fails: (code: Failure['code']): Wire => failed('connect', failure(code)),
};

/** DPS, towards whatever registers at the moment. */
export const dps = {
  connack: (code: number): Wire => failed('register', failureOf(dpsFault({ phase: 'refused', connack: code }))),
  ends: (phase: Attempt['phase'], socketError?: string): Wire =>
    failed('register', failureOf(dpsFault({ phase, ...(socketError && { socketError }) }))),
  /** A packet on `$dps/registrations/res/{status}`. */
  says: (status: number, body: object | string, { query = '', polling = false } = {}): Wire => {
    const topic = `$dps/registrations/res/${status}/?$rid=1${query}`;
    const answer = readDpsAnswer(topic, typeof body === 'string' ? body : JSON.stringify(body), polling);
    assert.ok(answer instanceof Error, 'only what ends the attempt is an event');
    return failed('register', failureOf(answer));
  },
  /** The final answer. */
  assigns: (to: string = hub1.hub): Wire => ({
    answers: 'register',
    told: (standing) => {
      const registrationState = { assignedHub: to, deviceId: hub1.deviceId };
      const body = JSON.stringify({ operationId: '5.1', status: 'assigned', registrationState });
      const answer = readDpsAnswer('$dps/registrations/res/200/?$rid=1', body, true);
      assert.ok(answer !== undefined && !(answer instanceof Error) && answer.status === 'assigned');
      const { thumbprint } = inFlight(standing, 'register').leaf;
      return { kind: 'registered', thumbprint, assignment: answer.assignment, as: terms.registered };
    },
  }),
};

export const errorBody = (errorCode: number, message = '') => ({ errorCode, trackingId: 'e549', message });
export const notEnrolled = dps.says(401, errorBody(401002, 'CA certificate not found.'));

/** The token and the issuer do as they are asked. */
export const keyMade: Wire = {
  answers: 'generate-key',
  told: (standing) => {
    const { slot, id } = inFlight(standing, 'generate-key');
    return { kind: 'key-generated', key: { slot, id } };
  },
};
export const issued: Wire = {
  answers: 'request-leaf',
  told: (standing) => ({ kind: 'leaf-issued', leaf: { ...candidate, key: inFlight(standing, 'request-leaf').key } }),
};
export const tokenFails: Wire = failed('connect', failure('NL-TOKEN-FAILED'));

export const starts: Wire = { told: () => ({ kind: 'started' }) };
export const wakes = (at: number): Wire => ({ at, told: () => ({ kind: 'woken' }) });
export const asked = (action: 're-register' | 'roll'): Wire => ({
  told: () => ({ kind: 'asked', request: request(action, 'method'), delayMs: 0, discard: false }),
});
