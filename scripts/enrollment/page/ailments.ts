import { CODES } from '../../../agent/failure/failure.ts';
import { ADMIT_CA, conditioned } from '../device.ts';
import { NAME } from '../name.ts';
import { codeOf, type Seen } from '../newleaf.ts';

/** Gateways that have the same thing wrong, and what to type for them. */
export interface Ailment {
  readonly what: string;
  readonly meaning: string;
  readonly devices: readonly string[];
  /** In this order. */
  readonly commands: readonly string[];
}

const TWIN = 'properties.reported.newleaf';

/** What is wrong in a fleet, the most common first; a gateway may be in several groups. @param where that all of them meet */
export function ailmentsOf(devices: readonly Seen[], where: string | undefined): Ailment[] {
  const narrowed = (condition: string): string => (where === undefined ? condition : `(${where}) AND ${condition}`);
  const ids = (which: (one: Seen) => boolean): string[] => devices.filter(which).map(({ deviceId }) => deviceId);
  const list = (condition: string): string => `${NAME} list devices ${conditioned('where', narrowed(condition))}`;
  const call = (condition: string, more: string): string =>
    `${NAME} reprovision ${conditioned('job', narrowed(condition))}${more}`;
  const codes = [...new Set(devices.flatMap((one) => codeOf(one) ?? []))];
  const byCode = codes.map((code): Ailment => {
    const own = ids((one) => codeOf(one) === code);
    const waits = `${TWIN}.next.code = '${code}'`;
    const isWaiting = devices.some(({ newleaf }) => newleaf?.next?.code === code);
    const any = isWaiting ? `(${waits} OR ${TWIN}.last.code = '${code}')` : `${TWIN}.last.code = '${code}'`;
    const isDps = code === 'NL-DPS-401002' || code === 'NL-DPS-404201';
    const enroll = [
      `${NAME} set-secondary ${conditioned('where', narrowed(waits))} --from-device`,
      `${ADMIT_CA}   # of a group, in place of that`,
      call(waits, ''),
    ];
    const allow = [list(any), `${NAME} allow member ${own[0]}`, call(any, '')];
    const again = [list(any), call(any, ' --delay 600')];
    // Of a gateway whose leaves Azure issues, DPS refuses the onboarding certificate: the group must hold its issuer.
    const isOnboarding = devices.some((one) => codeOf(one) === code && one.newleaf?.onboarding != null);
    const policy = [list(any), `${NAME} set-policy GROUP NS/CA/POLICY`, call(any, ' --action roll --delay 600')];
    const special = { 'NL-DPS-DISABLED': allow, 'NL-AZURE-POLICY': policy }[code];
    const commands = special ?? (isWaiting && isDps && !isOnboarding ? enroll : again);
    return { what: code, meaning: meaningOf(code), devices: own, commands };
  });
  const offline = "connectionState = 'Disconnected'";
  const stranded = `${TWIN}.phase = 'stranded'`;
  const overdue = `is_defined(${TWIN}.alarm)`;
  const others: readonly Ailment[] = [
    {
      what: 'offline',
      meaning: 'Not connected to the hub. A stranded gateway is among these.',
      devices: ids(({ connected }) => !connected),
      commands: [list(offline)],
    },
    {
      what: 'stranded',
      meaning: 'Every automatic way has been refused: `newleaf status` on the gateway says who must do what.',
      devices: ids(({ newleaf }) => newleaf?.phase === 'stranded'),
      commands: [list(stranded)],
    },
    {
      what: 'renewal overdue',
      meaning: 'The leaf nears its end, or has ended, and no next one is in use.',
      devices: ids(({ newleaf }) => newleaf?.alarm != null),
      commands: [list(overdue), call(overdue, ' --action roll --delay 600')],
    },
    {
      what: 'onboarding certificate ends',
      meaning: meaningOf('NL-ONBOARDING-EXPIRING'),
      devices: ids(({ newleaf }) => newleaf?.trouble === 'NL-ONBOARDING-EXPIRING'),
      commands: [list(`${TWIN}.trouble = 'NL-ONBOARDING-EXPIRING'`)],
    },
    {
      what: 'disabled',
      meaning: 'The hub does not let it in.',
      devices: ids(({ status }) => status === 'disabled'),
      commands: [list("status = 'disabled'"), `${NAME} enable-identity DEVICE`],
    },
  ];
  return [...byCode, ...others]
    .filter((one) => one.devices.length > 0)
    .toSorted((one, other) => other.devices.length - one.devices.length);
}

function meaningOf(code: string): string {
  const known: Readonly<Record<string, { readonly means: string; readonly advice: string } | undefined>> = CODES;
  const found = known[code];
  return found === undefined ? 'A code of a newer newleaf.' : `${found.means} ${found.advice}`;
}
