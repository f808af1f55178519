import { Misuse, textOption } from '../../agent/cli/kit/command.ts';
import { flagged, valued } from '../../agent/cli/kit/tool.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { type Call, only } from './command.ts';
import { Dps } from './dps.ts';
import { type Kind, policyOf } from './enrollment.ts';
import { Hub } from './hub.ts';
import { devicesWhere, endsWithin, type Seen } from './newleaf.ts';
import { KEPT } from './outcome.ts';
import { policyText } from './policy.ts';
import { count } from './screen.ts';
import type { Slot } from './slots.ts';
import { table } from './table.ts';

export const JSON_OPTION = { json: flagged('Print one JSON document.') } as const;

export const WHERE_OPTION = {
  where: valued('CONDITION', 'Only those that meet the WHERE clause, as "tags.site = \'north\'".'),
} as const;

export const DAYS_OPTION = {
  days: valued('DAYS', 'Only those whose leaf ends within so many days, or has ended.'),
} as const;

/** The condition of --where, where it is given. @throws Misuse where it is empty: the hub would answer with HTTP 400 */
export function whereOf(call: Call): string | undefined {
  const condition = textOption(call, 'where');
  if (condition?.trim() !== '') return condition;
  throw new Misuse('The condition of --where is empty. For all devices, leave --where out.');
}

/** How many days. @throws Misuse */
export function daysOf({ options }: Call): number | undefined {
  if (options.days === undefined) return undefined;
  const days = Number(options.days);
  if (Number.isInteger(days) && days >= 0 && options.days !== '') return days;
  throw new Misuse(`--days is a number of days, 0 or more, not "${options.days}".`);
}

const NONE = '-';

interface Listed {
  /** The name of the field in JSON, and what is counted. */
  readonly what: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly json: readonly object[];
  /** What is counted, if it has another name. */
  readonly counted?: string;
  /** Explains words of the rows. */
  readonly legend?: string;
}

export function list({ desk, options }: Call, { what, head, rows, json, legend = '', counted = what }: Listed): number {
  if (options.json === true) desk.out.write(`${JSON.stringify({ schema: 1, [`${what}s`]: json }, undefined, 2)}\n`);
  else desk.out.write(`${rows.length === 0 ? '' : table(head, rows)}${legend}${count(rows.length, counted)}.\n`);
  return EXIT.done;
}

const day = (time: string | null | undefined): string => time?.slice(0, 10) ?? NONE;

/** A CA by its name; a certificate by its end. */
function slotCell(slot: Slot | undefined): string {
  if (slot === undefined) return NONE;
  return slot.kind === 'ca' ? `CA ${slot.name}` : `until ${day(slot.notAfter)}`;
}

/** `enroll list individuals`, `enroll list groups` */
export function listEnrollments(kind: Kind): (call: Call) => Promise<number> {
  return async (call) => {
    const dps = await Dps.open(call);
    const found = (await dps.list(kind)).toSorted((one, other) => one.id.localeCompare(other.id));
    const all = found.map((one) => ({ ...one, policy: policyOf(one) }));
    const isIssued = all.some(({ policy }) => policy !== undefined);
    return list(call, {
      what: kind,
      head: ['NAME', 'STATUS', 'ATTESTATION', 'PRIMARY', 'SECONDARY', ...(isIssued ? ['POLICY'] : [])],
      rows: all.map(({ id, status, attestation, slots: { primary, secondary }, policy }) => [
        id,
        status,
        attestation,
        slotCell(primary),
        slotCell(secondary),
        ...(isIssued ? [policy ? policyText(policy) : NONE] : []),
      ]),
      json: all.map(({ id, status, attestation, slots, policy }) => ({ id, status, attestation, ...slots, policy })),
    });
  };
}

/** `enroll list registrations GROUP` */
export async function listRegistrations(call: Call): Promise<number> {
  const dps = await Dps.open(call);
  const all = await dps.registrationsOf(only(call));
  return list(call, {
    what: 'registration',
    head: ['REGISTRATION ID', 'STATUS', 'HUB', 'DEVICE', 'AT'],
    rows: all.map(({ registrationId, status, assignedHub, deviceId, lastUpdatedDateTimeUtc: at }) => [
      registrationId,
      status,
      assignedHub ?? NONE,
      deviceId ?? NONE,
      day(at),
    ]),
    json: all,
  });
}

/** Devices that meet --where and --days. */
async function devicesOf(call: Call): Promise<readonly Seen[]> {
  const [condition, days] = [whereOf(call), daysOf(call)];
  const all = await devicesWhere(await Hub.open(call), condition);
  return days === undefined ? all : all.filter(endsWithin(days, call.desk.now()));
}

/** `enroll list leaves [--where CONDITION]`: which leaf each device has, as its newleaf reports it. */
export async function listLeaves(call: Call): Promise<number> {
  const found = (await devicesOf(call)).flatMap(({ deviceId, newleaf }) =>
    newleaf?.leaf ? [{ deviceId, ...newleaf.leaf, onboarding: newleaf.onboarding }] : [],
  );
  const isOnboarded = found.some(({ onboarding }) => onboarding?.thumbprint);
  return list(call, {
    what: 'device',
    head: ['DEVICE', 'ENDS', 'ISSUER', 'SERIAL', 'THUMBPRINT', ...(isOnboarded ? ['ONBOARDING ENDS'] : [])],
    rows: found.map(({ deviceId, notAfter, issuer, serial, thumbprint, onboarding }) => [
      deviceId,
      day(notAfter),
      issuer ?? NONE,
      serial ?? NONE,
      thumbprint,
      ...(isOnboarded ? [day(onboarding?.notAfter)] : []),
    ]),
    json: found,
  });
}

/** `enroll list devices [--where CONDITION]` */
export async function listDevices(call: Call): Promise<number> {
  const devices = await devicesOf(call);
  return list(call, {
    what: 'device',
    head: ['DEVICE', 'HUB', 'PHASE', 'LEAF ENDS', 'NEXT', 'ALARM', 'LAST'],
    rows: devices.map(({ deviceId, status, connected, newleaf }) => [
      deviceId,
      status === 'disabled' ? status : connected ? 'online' : 'offline',
      newleaf?.phase ?? NONE,
      day(newleaf?.leaf?.notAfter),
      newleaf?.next?.standing ?? NONE,
      newleaf?.alarm ?? NONE,
      [newleaf?.last?.outcome ?? NONE, newleaf?.last?.code ?? ''].join(' '),
    ]),
    json: devices,
    ...(devices.some(({ newleaf }) => newleaf?.last?.outcome === 'kept') && { legend: KEPT }),
  });
}
