import type { Called, Ended, Followed } from './fleet.ts';

const OUTCOMES: Readonly<Record<string, string>> = {
  kept: 'on the previous leaf',
  person: 'a person is needed',
  failed: 'failed',
  gone: 'not in this hub any more: moved to another one, or deleted',
};

/** The advice for devices whose new leaf DPS does not admit. */
const ENROLL_IT = `
Enroll the new leaf, which the device sends, or the CA that issued it:
  enroll set-secondary DEVICE --from-device
  enroll reprovision DEVICE
`;

/** The summary, with the name of every device that is not well. */
export function report(called: readonly Called[], { ended, missing, waitedMs }: Followed): string {
  const refused = called.filter((one) => one.refused !== undefined);
  const unwell = ended.filter(({ outcome }) => outcome !== 'done');
  const well = ended.length - unwell.length;
  const rows = (title: string, lines: readonly string[]): string =>
    lines.length === 0
      ? ''
      : `\n${title}\n${lines
          .toSorted()
          .map((line) => `  ${line}\n`)
          .join('')}`;
  const counts = `${called.length} devices: ${well} came back, ${unwell.length} otherwise, ${missing.length} did not come back, ${refused.length} not asked.\n`;
  return [
    counts,
    rows('Ended otherwise:', unwell.map(endText)),
    unwell.some(({ parked }) => parked !== undefined) ? ENROLL_IT : '',
    rows(
      `Did not come back within ${Math.round(waitedMs / 1_000)} s:`,
      missing.map(({ deviceId, why }) => `${deviceId}  ${why}`),
    ),
    rows(
      'Not asked:',
      refused.map(({ deviceId, refused: why }) => `${deviceId}  ${why}`),
    ),
  ].join('');
}

function endText({ deviceId, outcome, code, parked }: Ended): string {
  const why = code === undefined ? '' : ` (${code})`;
  const leaf = parked === undefined ? '' : `, its new leaf ${parked} waits`;
  return `${deviceId}  ${OUTCOMES[outcome] ?? outcome}${why}${leaf}`;
}

/** Whether all devices are back, and well. */
export const allBack = (called: readonly Called[], { ended }: Followed): boolean =>
  called.every(({ deviceId }) => ended.some((one) => one.deviceId === deviceId && one.outcome === 'done'));
