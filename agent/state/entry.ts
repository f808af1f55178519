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
} from 'valibot';
import { ALARMS, type Next, PHASES, type RollState } from '../roll/state.ts';

/** The part of the state that is written: a start begins without a session. */
export type Entry = Omit<RollState, 'online' | 'flaps' | 'unreached' | 'unheard'>;

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
});
const request = object({
  id: string(),
  action: picklist(['re-register', 'roll']),
  reason: string(),
  from: picklist(['method', 'technician', 'newleaf']),
  at: number(),
});

/** A field that is forgotten here does not compile: it would be read unchecked. */
const next = object({
  slot: key.entries.slot,
  ...entriesFromList(['id', 'intended'], optional(string())),
  leaf: optional(leaf),
  assignment: optional(assignment),
  sent: boolean(),
  waitsFor: optional(picklist(['delivery', 'roll'])),
  parked: optional(object({ failure, times: number(), askAt: number() })),
  ...entriesFromList(['renewed', 'denied', 'unwanted'], optional(literal(true))),
  refusals: optional(number()),
} satisfies Record<keyof Next, GenericSchema>);

/** The fields that a step relies on. Of the history (outcomes, trail) only the type is checked. */
const ENTRY = object({
  phase: picklist(PHASES),
  current: optional(leaf),
  next: optional(next),
  assignment: optional(assignment),
  retire: optional(object({ ...key.entries, tries: number() })),
  rejected: boolean(),
  grace: optional(number()),
  unproven: number(),
  rolledFor: optional(string()),
  probe: optional(object({ times: number(), askAt: number() })),
  alarm: optional(picklist(ALARMS)),
  trouble: optional(failure),
  poisoned: optional(array(object({ effect: string(), at: number() }))),
  request: optional(request),
  scheduled: optional(object({ ...request.entries, startAt: number() })),
  outcomes: array(unknown()),
  registered: optional(string()),
  budget: object({ left: number(), at: number() }),
  lastRollAt: optional(number()),
  lastSeen: optional(number()),
  trail: array(unknown()),
}) satisfies GenericSchema;

/** Gives a journal entry its type. @throws Error that names the wrong field */
export function validateEntry(entry: unknown): Entry {
  try {
    parse(ENTRY, entry);
  } catch (error) {
    if (!(error instanceof ValiError)) throw error;
    const [issue] = error.issues;
    const path = issue.path?.map(({ key: name }: { key?: unknown }) => String(name)).join('.') ?? '';
    throw new Error(`"${path}": ${issue.message}`);
  }
  const checked = entry as Entry;
  const missing = phaseLacks(checked);
  if (missing !== undefined) throw new Error(`the phase is "${checked.phase}", but there is no ${missing}`);
  return checked;
}

/** Every phase names the effect in flight, so the needs of that effect must be there. */
function phaseLacks({ phase, current, next, retire }: Entry): string | undefined {
  const needsCurrent = phase === 'registering' || phase === 'serving' || phase === 'abandoning' || phase === 'stranded';
  if (needsCurrent && current === undefined) return 'current leaf';
  if (phase === 'generating-key' && next === undefined) return 'candidate';
  if (phase === 'requesting-leaf' && next?.id === undefined) return 'key of the candidate';
  if (phase === 'registering-next' && next?.leaf === undefined) return 'leaf of the candidate';
  if (phase === 'connecting-next' && next?.assignment === undefined) return 'assignment of the candidate';
  return phase === 'retiring-key' && retire === undefined ? 'key to retire' : undefined;
}

export function entryOf(state: RollState): Entry {
  const { online: _, flaps: _flaps, unreached: _unreached, unheard: _unheard, ...entry } = state;
  return entry;
}
