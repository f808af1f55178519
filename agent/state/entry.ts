import {
  array,
  boolean,
  entriesFromList,
  type GenericSchema,
  literal,
  number,
  object,
  optional,
  parse,
  picklist,
  string,
  unknown,
  ValiError,
  variant,
} from 'valibot';
import type { Assigned, KeyMade, KeyWanted, Parked, Sent, Unwanted } from '../roll/candidate.ts';
import { PHASES, phaseOf } from '../roll/phase.ts';
import { ALARMS, type Outcome, type RollState } from '../roll/state.ts';

/** The part of the state that is written: a start begins without a session. */
export type Entry = Omit<RollState, 'online' | 'flaps' | 'unreached' | 'unheard' | 'keyless'>;

const key = object({ slot: picklist(['a', 'b', 'given']), id: string() });
const leaf = object({
  key,
  ...entriesFromList(['chain', 'thumbprint', 'cn', 'serial', 'issuer'], string()),
  ...entriesFromList(['notBefore', 'notAfter'], number()),
});
const assignment = object({
  ...entriesFromList(['hub', 'deviceId'], string()),
  ...entriesFromList(['substatus', 'key'], optional(string())),
});
const failure = object({
  kind: picklist(['transient', 'refused', 'broken']),
  ...entriesFromList(['code', 'message', 'advice'], string()),
  byPerson: optional(string()),
});
const request = object({
  id: string(),
  action: picklist(['re-register', 'roll']),
  reason: string(),
  from: picklist(['method', 'technician', 'newleaf']),
  at: number(),
});

const alone = {
  for: picklist(['roll', 'delivery', 'spare']),
  tries: number(),
  isSecond: optional(literal(true)),
  last: optional(failure),
  rest: optional(object({ failure, askAt: number() })),
};
const issued = {
  leaf,
  from: picklist(['issuer', 'person', 'hub']),
  tries: number(),
  isKeyTrusted: optional(literal(true)),
};
const rest = object({ failure, askAt: number() });

/** A field that is forgotten here does not compile: it would be read unchecked. */
type Checked<C> = Record<keyof C, GenericSchema>;

const next = variant('is', [
  object({
    is: literal('key-wanted'),
    slot: picklist(['a', 'b']),
    id: string(),
    isUnsigned: optional(literal(true)),
    ...alone,
  } satisfies Checked<KeyWanted>),
  object({ is: literal('key-made'), key, isKeyTrusted: optional(literal(true)), ...alone } satisfies Checked<KeyMade>),
  object({ is: literal('sent'), last: optional(failure), ...issued } satisfies Checked<Sent>),
  object({ is: literal('assigned'), assignment, ...issued } satisfies Checked<Assigned>),
  object({
    is: literal('parked'),
    rest,
    trust: picklist(['possible', 'refused', 'none']),
    ...issued,
  } satisfies Checked<Parked>),
  object({
    is: literal('unwanted'),
    rest,
    because: picklist(['refused', 'discarded', 'key-lost']),
    ...issued,
  } satisfies Checked<Unwanted>),
]);

/** The fields that a step relies on: of the trail, which is for people, only the type is checked. */
const ENTRY = object({
  phase: picklist(PHASES),
  current: optional(leaf),
  next: optional(next),
  assignment: optional(assignment),
  retire: array(
    variant('is', [
      object({ ...key.entries, is: literal('pending'), tries: number() }),
      object({ ...key.entries, is: literal('undestroyed'), againAt: number() }),
      object({ ...key.entries, is: literal('remembered') }),
    ]),
  ),
  ...entriesFromList(['ask', 'stranded'], optional(literal(true))),
  rejected: boolean(),
  grace: optional(number()),
  unproven: number(),
  rolledFor: optional(string()),
  probe: optional(object({ times: number(), askAt: number() })),
  alarm: optional(picklist(ALARMS)),
  ...entriesFromList(
    ['workTrouble', 'sessionTrouble'],
    optional(object({ failure, at: number(), request: optional(string()) })),
  ),
  poisoned: optional(array(object({ effect: string(), at: number(), since: optional(number()) }))),
  request: optional(request),
  scheduled: optional(object({ ...request.entries, startAt: number() })),
  // Only their types: a word that a newer newleaf has written there stops no gateway after a downgrade.
  outcomes: array(
    object({
      ...entriesFromList(['id', 'action', 'reason', 'from', 'outcome'], string()),
      ...entriesFromList(['at', 'endedAt'], number()),
      failure: optional(failure),
    } satisfies Checked<Outcome>),
  ),
  registered: optional(string()),
  budget: object({ left: number(), at: number() }),
  lastRollAt: optional(number()),
  lastSeen: optional(number()),
  trail: array(unknown()),
}) satisfies GenericSchema;

/** Gives a journal entry its type. @throws Error that names the wrong field */
export function validateEntry(written: unknown): Entry {
  try {
    parse(ENTRY, written);
  } catch (error) {
    if (!(error instanceof ValiError)) throw error;
    const [issue] = error.issues;
    const path = issue.path?.map(({ key: name }: { key?: unknown }) => String(name)).join('.') ?? '';
    throw new Error(`"${path}": ${issue.message}`);
  }
  const checked = written as Entry;
  // The phase follows from the facts, by the rules of the newleaf that reads them.
  const phase = phaseOf(checked);
  const needsCurrent = phase === 'registering' || phase === 'abandoning' || phase === 'stranded';
  if (needsCurrent && checked.current === undefined)
    throw new Error(`the phase is "${phase}", but there is no current leaf`);
  return { ...checked, phase };
}

export function entryOf(state: RollState): Entry {
  const { online: _, flaps: _flaps, unreached: _unreached, unheard: _unheard, keyless: _keyless, ...entry } = state;
  return entry;
}
