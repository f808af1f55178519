import {
  array,
  entriesFromList,
  type GenericSchema,
  literal,
  number,
  object,
  optional,
  parse,
  picklist,
  record,
  string,
  unknown,
  ValiError,
} from 'valibot';
import type { Entry } from '../roll/core/entry.ts';
import type { Answer, Generation, Memory, Old, Trusted } from '../roll/core/memory.ts';
import type { Leaf } from '../roll/leaf.ts';
import { ALARMS, type Outcome } from '../roll/state.ts';

export type { Entry };

/** A field that is forgotten here does not compile: it would be read unchecked. */
type Checked<C> = Record<keyof C, GenericSchema>;

const key = { slot: picklist(['a', 'b', 'given']), id: string() };
const isSo = optional(literal(true));
const leaf = object({
  key: object(key),
  ...entriesFromList(['chain', 'thumbprint', 'cn', 'serial', 'issuer'], string()),
  ...entriesFromList(['notBefore', 'notAfter'], number()),
  otherChains: optional(array(string())),
} satisfies Checked<Leaf>);
const assignment = object({
  ...entriesFromList(['hub', 'deviceId'], string()),
  ...entriesFromList(['substatus', 'key'], optional(string())),
});
const failure = object({
  kind: picklist(['transient', 'refused', 'broken']),
  ...entriesFromList(['code', 'message', 'advice'], string()),
  byPerson: optional(string()),
});
const request = {
  id: string(),
  action: picklist(['re-register', 'roll']),
  reason: string(),
  from: picklist(['method', 'technician', 'newleaf']),
  at: number(),
};
const next = object({
  key: object(key),
  leaf: optional(leaf),
  from: optional(picklist(['issuer', 'person', 'hub'])),
  because: optional(string()),
  ...entriesFromList(['isMade', 'isForPerson', 'isSecond', 'isDiscarded'], isSo),
} satisfies Checked<Generation>);
const answer = object({
  verdict: picklist(['accepted', 'refused', 'silent', 'broken']),
  failure: optional(failure),
  ...entriesFromList(['times', 'at', 'draw'], number()),
  ...entriesFromList(['up', 'tries'], optional(number())),
  ...entriesFromList(['again', 'lasting'], isSo),
} satisfies Checked<Answer>);

/** The fields that a plan relies on: of the trail, which is for people, only the type is checked. */
const ENTRY = object({
  current: optional(leaf),
  next: optional(next),
  old: array(object({ ...key, isRemembered: isSo } satisfies Checked<Old>)),
  at: object({ current: optional(assignment), next: optional(assignment) } satisfies Checked<Memory['at']>),
  trusts: array(object({ thumbprint: string(), keyId: string(), isNew: isSo } satisfies Checked<Trusted>)),
  answers: record(string(), answer),
  ask: optional(object({ request: object(request), isAccepted: isSo, heard: optional(array(string())) })),
  scheduled: optional(object({ ...request, startAt: number() })),
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
  alarm: optional(picklist(ALARMS)),
  poisoned: optional(array(object({ effect: string(), at: number(), times: optional(number()) }))),
  trail: array(unknown()),
} satisfies Checked<Entry>);

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
  return written as Entry;
}
