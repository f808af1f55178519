import { Failed } from '../../agent/cli/kit/command.ts';
import { printable, screenOf } from '../../agent/cli/kit/screen.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { askedOfDevice, askedText } from './asked-of.ts';
import { type Call, only } from './command.ts';
import { connectionTo } from './connection.ts';
import { Dps, type Registration } from './dps.ts';
import type { Enrollment } from './enrollment.ts';
import { Hub } from './hub.ts';
import type { Identity } from './hub-answers.ts';
import { identityText } from './identity.ts';
import { NAME } from './name.ts';
import { type Newleaf, newleafIn } from './newleaf.ts';
import { outcomeInWords } from './outcome.ts';
import { policyIn } from './policy.ts';
import { linesFor, rowText, shown } from './screen.ts';

/** `enroll show device ID`: the records of DPS and, where there is a connection string, of the hub. */
export async function showDevice(call: Call): Promise<number> {
  const id = only(call);
  const dps = await Dps.open(call);
  const [enrollment, registration] = await Promise.all([dps.find('individual', id), dps.registration(id)]);
  const deviceId = registration?.deviceId ?? String(enrollment?.body.deviceId ?? id);
  const hub = connectionTo(call, 'hub') === undefined ? undefined : await Hub.open(call);
  const [identity, twin] = hub ? await Promise.all([hub.find(deviceId), hub.twin(deviceId)]) : [];
  if (enrollment === undefined && registration === undefined && identity === undefined) {
    throw new Failed(`"${id}" is not known.`, {
      advice: `See what is there: ${NAME} list individuals, or ${NAME} list devices`,
    });
  }
  const newleaf = newleafIn(twin?.reported);
  const requests = hub && identity ? await askedOfDevice(hub, deviceId, newleaf) : undefined;
  const admitted = newleaf && admittedBy(newleaf, identity, enrollment);
  if (call.options.json === true) {
    const document = {
      schema: 1,
      id,
      enrollment: enrollment && toldOf(enrollment),
      registration,
      identity,
      newleaf,
      requests,
    };
    call.desk.out.write(`${JSON.stringify({ ...document, admitted }, undefined, 2)}\n`);
    return EXIT.done;
  }
  const parts = [
    enrollment === undefined
      ? `No individual enrollment ${printable(id)}: at most a group admits it.\n`
      : shown(enrollment),
    registration === undefined ? `Not registered with DPS.\n` : `${registered(registration)}\n`,
    ...(hub === undefined
      ? [`The hub was not asked: --hub or NEWLEAF_HUB_CONNECTION names it.\n`]
      : [identity === undefined ? `No identity ${printable(deviceId)} in this hub.\n` : identityText(identity)]),
    ...(newleaf && admitted ? [newleafText(newleaf, admitted)] : []),
    ...(requests && requests.length > 0 ? [askedText(requests)] : []),
  ];
  call.desk.out.write(linesFor(screenOf(call.desk.out, call.desk.env), parts.join('\n')));
  return EXIT.done;
}

/** `enroll show group NAME` */
export async function showGroup(call: Call): Promise<number> {
  const dps = await Dps.open(call);
  const group = await dps.get('group', only(call));
  const json = call.options.json === true;
  const { out, env } = call.desk;
  out.write(
    json
      ? `${JSON.stringify({ schema: 1, ...toldOf(group) }, undefined, 2)}\n`
      : linesFor(screenOf(out, env), shown(group)),
  );
  return EXIT.done;
}

/** Stable: `--json`. The rest of what DPS sends is Microsoft's. */
const toldOf = ({ id, status, attestation, slots, body }: Enrollment): object => ({
  id,
  status,
  attestation,
  ...slots,
  policy: policyIn(body),
  hubs: body.iotHubs ?? [],
});

/** Whether the leaf that the device reports is one of those that hub and enrollment hold; absent where that is not known. */
interface Admitted {
  readonly hub?: boolean;
  readonly dps?: boolean;
}

function admittedBy({ leaf }: Newleaf, identity: Identity | undefined, enrollment: Enrollment | undefined): Admitted {
  if (!leaf) return {};
  const { thumbprint } = leaf;
  // A thumbprint of SHA-1, which a hub may hold as well, cannot be compared.
  const held = [identity?.primary, identity?.secondary].filter((one) => one?.length === thumbprint.length);
  const { primary, secondary } = enrollment?.slots ?? {};
  const enrolled = [primary, secondary].flatMap((slot) => (slot?.kind === 'certificate' ? [slot.thumbprint] : []));
  return {
    ...(held.length > 0 && { hub: held.includes(thumbprint) }),
    ...(enrolled.length > 0 && { dps: enrolled.includes(thumbprint) }),
  };
}

const untilOf = (notAfter: string | null | undefined): string => (notAfter ? `, until ${notAfter.slice(0, 10)}` : '');
const mark = (code: string | null | undefined): string => (code ? ` (${code})` : '');

const onboardingText = ({ thumbprint, notAfter }: NonNullable<Newleaf['onboarding']>): string =>
  `${thumbprint?.slice(0, 16) ?? '?'}…${untilOf(notAfter)}`;

function newleafText(newleaf: Newleaf, admitted: Admitted): string {
  const { version, phase, leaf, onboarding, next, alarm, last, uplink } = newleaf;
  const holders = [
    ['the hub', admitted.hub],
    ['the enrollment', admitted.dps],
  ] as const;
  const held = holders.flatMap(([who, holds]) =>
    holds === undefined ? [] : [`${who} has ${holds ? 'it' : 'ANOTHER'}`],
  );
  const rows: readonly (readonly [label: string, text: string | null | undefined])[] = [
    ['phase', `${phase ?? 'unknown'}, newleaf ${version ?? 'of unknown version'}`],
    ['leaf', leaf && [`${leaf.thumbprint.slice(0, 16)}…${untilOf(leaf.notAfter)}`, ...held].join(', ')],
    ['serial', leaf?.serial],
    ['onboarding', onboarding && onboardingText(onboarding)],
    ['next', next && `${next.thumbprint}, ${next.standing}${mark(next.code)}`],
    ['alarm', alarm ?? undefined],
    [
      'last',
      last && `${last.action ?? 'request'}: ${outcomeInWords(last.outcome)}${mark(last.code)}, ${last.at ?? ''}`,
    ],
    ['programs', uplink && [uplink.programs ?? 0, ...(uplink.codes ?? [])].join(' ')],
  ];
  return `Its newleaf reports\n${rows.flatMap(([label, text]) => (text ? [rowText(label, printable(text))] : [])).join('')}`;
}

function registered({ lastUpdatedDateTimeUtc: at, status, assignedHub, deviceId }: Registration): string {
  const told = `DPS has not assigned it to a hub: ${status}, ${at}`;
  return printable(assignedHub === undefined ? told : `Registered ${at}, assigned to ${assignedHub} as ${deviceId}`);
}
