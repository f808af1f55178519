import * as v from 'valibot';
import { Failed } from '../../agent/cli/kit/command.ts';
import { printable } from '../../agent/cli/kit/screen.ts';
import { atOnce } from './at-once.ts';
import type { Hub } from './hub.ts';
import type { Row } from './hub-answers.ts';

const text = v.nullish(v.string());

/** The reported property `newleaf` of a gateway (`twinOf` of agent/roll/report.ts). */
const Newleaf = v.looseObject({
  version: text,
  phase: text,
  leaf: v.nullish(v.looseObject({ thumbprint: v.string(), notAfter: text, issuer: text, serial: text })),
  onboarding: v.nullish(v.looseObject({ thumbprint: text, notAfter: text })),
  next: v.nullish(v.looseObject({ thumbprint: v.string(), standing: v.string(), code: text })),
  alarm: text,
  trouble: text,
  uplink: v.nullish(v.looseObject({ programs: v.optional(v.number()), codes: v.optional(v.array(v.string())) })),
  last: v.nullish(v.looseObject({ id: text, action: text, outcome: v.string(), code: text, at: text })),
});
export type Newleaf = v.InferOutput<typeof Newleaf>;

const Reported = v.looseObject({ newleaf: Newleaf });
const Queried = v.looseObject({
  deviceId: v.string(),
  status: v.optional(v.string()),
  connectionState: v.optional(v.string()),
  properties: v.optional(v.looseObject({ reported: v.unknown() })),
});

/** What newleaf tells, or undefined where the device has no newleaf. */
export function newleafIn(reported: unknown): Newleaf | undefined {
  const read = v.safeParse(Reported, reported);
  return read.success ? read.output.newleaf : undefined;
}

/** A device as a query of the hub tells it. */
export interface Seen {
  readonly deviceId: string;
  readonly status: string;
  readonly connected: boolean;
  readonly newleaf?: Newleaf;
}

const DAY_MS = 86_400_000;

/** Devices whose leaf ends within so many days, or has ended. Those that report no leaf are not among them. */
export const endsWithin =
  (days: number, now: number) =>
  ({ newleaf }: Seen): boolean =>
    Date.parse(newleaf?.leaf?.notAfter ?? '') < now + days * DAY_MS;

/** The same of the onboarding certificate, where Azure issues the leaves. */
export const onboardingEndsWithin =
  (days: number, now: number) =>
  ({ newleaf }: Seen): boolean =>
    Date.parse(newleaf?.onboarding?.notAfter ?? '') < now + days * DAY_MS;

/** Why a gateway is not well, as a code of newleaf: of the leaf that waits, else of a last request that was not done. */
export function codeOf({ newleaf }: Seen): string | undefined {
  const { next, last } = newleaf ?? {};
  return next?.code ?? (last?.outcome === 'done' ? undefined : last?.code) ?? undefined;
}

export function seenIn(row: Row): Seen {
  const { deviceId, status = 'enabled', connectionState, properties } = v.parse(Queried, row);
  const newleaf = newleafIn(properties?.reported);
  return { deviceId, status, connected: connectionState?.toLowerCase() === 'connected', ...(newleaf && { newleaf }) };
}

/** Without what requests do not ask for: of ten thousand, the rest is a burden for the collector. */
function brieflyIn(row: Row): Seen {
  const { newleaf, ...seen } = seenIn(row);
  if (newleaf === undefined) return seen;
  const { leaf, next, last } = newleaf;
  const brief: Newleaf = {
    next,
    ...(leaf && { leaf: { thumbprint: leaf.thumbprint } }),
    ...(last && { last: { id: last.id, outcome: last.outcome, code: last.code, at: last.at } }),
  };
  return { ...seen, newleaf: brief };
}

const clauseOf = (condition: string): string => (condition.trim() === '*' ? '' : ` WHERE ${condition}`);

/**
 * Devices of the hub, by name; none is no fault. All of each twin: "selection clauses different than SELECT * are only supported in aggregate
 * queries on device twins" (iot-hub-devguide-query-language).
 */
export async function devicesWhere(hub: Hub, condition = '*'): Promise<Seen[]> {
  return (await hub.devices(clauseOf(condition), seenIn)).toSorted((one, other) =>
    one.deviceId < other.deviceId ? -1 : 1,
  );
}

/** What requests ask of them, without a bar. */
export const brieflyWhere = (hub: Hub, condition = '*'): Promise<Seen[]> =>
  hub.query(`SELECT * FROM devices${clauseOf(condition)}`, brieflyIn);

/** Those whose twin names this request as their last one. */
export const lastAsked = (hub: Hub, id: string): Promise<Seen[]> =>
  brieflyWhere(hub, `properties.reported.newleaf.last.id = '${id}'`);

/** Up to this many are read one by one: a query may lag behind the twins for minutes (iot-hub-devguide-query-language). */
const FEW = 20;
const AT_ONCE = 4;

/** Those of these that the hub has, as they are now. */
export async function seenOf(hub: Hub, deviceIds: readonly string[]): Promise<Map<string, Seen>> {
  const wanted = new Set(deviceIds);
  const seen = new Map<string, Seen>();
  if (wanted.size > FEW) {
    for (const one of await brieflyWhere(hub)) if (wanted.has(one.deviceId)) seen.set(one.deviceId, one);
    return seen;
  }
  await atOnce(AT_ONCE, deviceIds, async (deviceId) => {
    const twin = await hub.twin(deviceId);
    if (twin === undefined) return;
    const connectionState = twin.connected ? 'connected' : '';
    seen.set(deviceId, seenIn({ deviceId, connectionState, properties: twin }));
  });
  return seen;
}

/** Their names. @throws Failed where there is none */
export async function matching(hub: Hub, condition: string): Promise<string[]> {
  const ids = await hub.devices(clauseOf(condition), ({ deviceId }) => String(deviceId));
  if (ids.length > 0) return ids.toSorted();
  throw new Failed(
    condition.trim() === '*' ? 'This hub has no device.' : `No device of this hub meets: ${printable(condition)}`,
  );
}
