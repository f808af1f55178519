/** What was set for one program; what is absent is as in the configuration. */
export interface OwnTerms {
  /** Of its queue to the hub. */
  readonly maxBytes?: number;
  readonly maxAgeMs?: number;
  /** The most messages a second to the hub. */
  readonly rate?: number;
  /** Which messages go first where those of several programs wait; `normal` where it is absent. */
  readonly priority?: 'high' | 'normal' | 'bulk';
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
const ACCEPTED: Readonly<Record<keyof OwnTerms, (value: unknown) => boolean>> = {
  maxBytes: isCount,
  maxAgeMs: isCount,
  rate: isCount,
  priority: (value) => value === 'high' || value === 'normal' || value === 'bulk',
};

/** Terms as they were, with these changes: null takes one away. Pure. @returns undefined where they are none */
export function changedTerms(terms: OwnTerms, changes: unknown = {}): OwnTerms | undefined {
  if (typeof changes !== 'object' || changes === null) return undefined;
  const entries = Object.entries(changes);
  const isAccepted = ([name, value]: readonly [string, unknown]) =>
    Object.hasOwn(ACCEPTED, name) && (value === null || ACCEPTED[name as keyof OwnTerms](value));
  if (!entries.every(isAccepted)) return undefined;
  const changed = Object.entries({ ...terms, ...changes }).filter(([, value]) => value !== null);
  return Object.fromEntries(changed);
}
