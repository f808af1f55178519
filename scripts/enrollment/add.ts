import { Misuse, textOption, textsOption } from '../../agent/cli/kit/command.ts';
import { valued } from '../../agent/cli/kit/tool.ts';
import { certificateIn } from './certificate.ts';
import { change } from './change.ts';
import { type Call, oneOf, only } from './command.ts';
import { Dps } from './dps.ts';
import type { Enrollment } from './enrollment.ts';
import { rootNeeded, slotDemanded, slotGiven, type Wanted } from './given.ts';
import { INDIVIDUAL, ISSUES, POLICY_OPTION, policyGiven, withPolicy } from './policy.ts';
import { demandOneKind, type Slots } from './slots.ts';

/** reprovisionPolicy by the names of concepts-device-reprovision. */
const POLICIES = {
  migrate: { updateHubAssignment: true, migrateDeviceData: true },
  reset: { updateHubAssignment: true, migrateDeviceData: false },
  never: { updateHubAssignment: false, migrateDeviceData: false },
} as const;

export const POLICY_NAMES = Object.keys(POLICIES) as (keyof typeof POLICIES)[];

export const ADD_OPTIONS = {
  secondary: valued('FILE', 'A second certificate, admitted as well.'),
  policy: valued(
    'POLICY',
    'On re-registration: migrate (default) moves the twin, reset begins it anew, never keeps the hub.',
  ),
  ...POLICY_OPTION,
  'hub-host': { ...valued('HOST', 'Assign to this linked hub only. May be repeated.'), multiple: true },
} as const;

/** `enroll add individual [ID] --certificate FILE` */
export async function addIndividual(call: Call): Promise<number> {
  const file = textOption(call, 'certificate');
  if (file === undefined) throw new Misuse('Which leaf? --certificate FILE');
  const id = call.positionals[0] ?? (await certificateIn(file)).cn;
  const deviceId = textOption(call, 'device-id');
  return add(call, { kind: 'individual', id }, { registrationId: id, ...(deviceId && { deviceId }) });
}

/** `enroll add group NAME --certificate FILE | --ca NAME` */
export async function addGroup(call: Call): Promise<number> {
  const id = only(call);
  return add(call, { kind: 'group', id }, { enrollmentGroupId: id });
}

async function add(call: Call, wanted: Wanted, named: object): Promise<number> {
  const primary = await slotDemanded(call, wanted);
  const secondary = await slotGiven(call, wanted, { certificate: 'secondary', ca: 'secondary-ca' });
  const slots: Slots = { primary, ...(secondary && { secondary }) };
  demandOneKind(slots);
  const policy = oneOf(call, 'policy', POLICY_NAMES) ?? 'migrate';
  const hubs = textsOption(call, 'hub-host');
  const issuing = policyGiven(call);
  const bare = {
    ...named,
    reprovisionPolicy: POLICIES[policy],
    ...(hubs.length > 0 && { allocationPolicy: hubs.length === 1 ? 'static' : 'hashed', iotHubs: hubs }),
  };
  const body = withPolicy(bare, issuing);
  const after: Enrollment = { ...wanted, status: 'enabled', attestation: 'x509', slots, body };
  const dps = await Dps.open(call);
  return change(call, dps, {
    after,
    question: issuing && wanted.kind === 'individual' ? INDIVIDUAL : undefined,
    done: `${wanted.id} is enrolled.${rootNeeded(wanted.kind, primary)}${issuing ? ISSUES(issuing) : ''}`,
  });
}
