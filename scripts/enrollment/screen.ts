import { printable, type Screen, safe } from '../../agent/cli/kit/screen.ts';
import { type Enrollment, NAMES } from './enrollment.ts';
import { policyIn, policyText } from './policy.ts';
import type { Slot } from './slots.ts';

/** Lines of a screen that may not know every character. */
export const linesFor = (screen: Screen, text: string): string =>
  text
    .split('\n')
    .map((line) => safe(screen, line))
    .join('\n');

type Line = readonly [label: string, text: string];

const NONE = '(none)';

/** "1 device", "2 devices". */
export const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;

export function slotText(slot: Slot | undefined): string {
  if (slot === undefined) return NONE;
  if (slot.kind === 'ca') return printable(`verified CA "${slot.name}"`);
  const { thumbprint, subject, issuer, notAfter } = slot;
  return printable(`${thumbprint.slice(0, 16)}…  ${subject}, issued by ${issuer}, until ${notAfter.slice(0, 10)}`);
}

function linesOf({ status, attestation, slots, body }: Enrollment): Line[] {
  const hubs = Array.isArray(body.iotHubs) ? body.iotHubs : [];
  const policy = policyIn(body);
  const primary = attestation === 'x509' ? slotText(slots.primary) : `(attestation: ${attestation})`;
  return [
    ['status', status],
    ['primary', primary],
    ['secondary', slotText(slots.secondary)],
    ...(policy ? [['policy', printable(policyText(policy))] as const] : []),
    ['hubs', hubs.length === 0 ? '(all that are linked)' : printable(hubs.join(', '))],
  ];
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
const titleOf = ({ kind, id }: Enrollment): string => `${capital(NAMES[kind])} ${printable(id)}`;
const row = (mark: string, [label, text]: Line): string => `  ${mark} ${label.padEnd(10)} ${text}\n`;
export const rowText = (label: string, text: string): string => row(' ', [label, text]);

export function shown(enrollment: Enrollment): string {
  const rows = linesOf(enrollment).map((line) => row(' ', line));
  return `${titleOf(enrollment)}\n${rows.join('')}`;
}

/** What a change does, line by line: `-` before, `+` after. One of the two may be absent. */
export function difference(before: Enrollment | undefined, after: Enrollment | undefined): string {
  const subject = after ?? before;
  if (subject === undefined) return '';
  const [old, young] = [before, after].map((one) => (one === undefined ? [] : linesOf(one)));
  const labels = [...new Set([young, old].flatMap((lines) => lines?.map(([label]) => label) ?? []))];
  const rows = labels.map((label) => {
    const was = old?.find(([name]) => name === label);
    const becomes = young?.find(([name]) => name === label);
    if (was !== undefined && becomes !== undefined && was[1] === becomes[1]) return row(' ', was);
    return `${was === undefined ? '' : row('-', was)}${becomes === undefined ? '' : row('+', becomes)}`;
  });
  return `${titleOf(subject)}\n${rows.join('')}`;
}
