import { type SettingRow, settingRows } from '../../agent/config/config.ts';
import { METRICS } from '../../agent/daemon/metrics.ts';
import { CODES } from '../../agent/failure/failure.ts';
import { UPLINK_METRICS } from '../../agent/uplink/counters.ts';
import { STORIES, type Told } from '../../test/e2e/roll/stories.ts';

/** The headings of the codes, by how the codes begin. */
const AREAS: readonly (readonly [heading: string, begins: RegExp])[] = [
  ['DPS', /^NL-DPS-/],
  ['IoT Hub', /^NL-HUB-/],
  ['Issuer: EST server', /^NL-EST-/],
  ['Issuer: command', /^NL-CMD-/],
  ['Issuer: any', /^NL-ISSUER-/],
  ['The leaf', /^NL-LEAF-/],
  ['The token, and the key of the leaf', /^NL-TOKEN-/],
  ['The TPM, where the gateway attests by it', /^NL-TPM-/],
  ['Configuration and state', /^NL-(CONFIG|STATE)/],
  ['Programs of this gateway', /^NL-UPLINK-/],
  ['Daemon, clock and limits', /^NL-(?!UPLINK-)/],
];

/** A list, because a small screen would have to scroll a table of four columns. */
export function codesList(): string {
  const codes = Object.entries(CODES).map(([code, entry]) => ({
    code,
    ...entry,
    area: AREAS.find(([, begins]) => begins.test(code))?.[0],
  }));
  return AREAS.map(([heading]) => {
    const rows = codes.filter(({ area }) => area === heading);
    const items = rows.map(({ code, kind, means, advice }) => `- **\`${code}\`** (${kind}) ${means}<br>→ ${advice}`);
    return `## ${heading}\n\n${items.join('\n')}`;
  }).join('\n\n');
}

/** Each section of the configuration, and its settings. */
export function settingsList(): string {
  return [...grouped(settingRows())]
    .map(([section, rows]) => `### [${section}]\n\n${rows.map(setting).join('\n')}`)
    .join('\n\n');
}

function grouped(rows: readonly SettingRow[]): ReadonlyMap<string, readonly SettingRow[]> {
  const sections = new Map<string, SettingRow[]>();
  for (const row of rows) {
    const section = row.name.slice(0, row.name.lastIndexOf('.'));
    sections.set(section, [...(sections.get(section) ?? []), row]);
  }
  return sections;
}

function setting({ name, type, range, standard, absent, meaning }: SettingRow): string {
  const otherwise =
    standard !== undefined
      ? `Default: \`${standard}\``
      : absent === undefined
        ? '**Required**'
        : `Without it: ${absent}`;
  return `- **\`${name}\`** (${type}) ${meaning}<br>${otherwise}. Accepted: ${range}.`;
}

export const metricsTable = (): string => tableOf(METRICS);
export const uplinkMetricsTable = (): string => tableOf(UPLINK_METRICS);

function tableOf(metrics: Readonly<Record<string, string>>): string {
  const rows = Object.entries(metrics).map(([name, means]) => `| \`${name}\` | ${means} |`);
  return ['| metric | |', '|---|---|', ...rows].join('\n');
}

/** A section for each story: the operator's commands, step by step, and the reaction of the device. */
export const storiesSections = (): string => Object.values(STORIES).map(story).join('\n\n');

function story({ title, operator, device, offline }: Told): string {
  const steps = operator.map((step, index) => {
    const [only, ...more] = [step].flat();
    if (more.length === 0) return `${index + 1}. \`${only}\``;
    return [`${index + 1}. one of`, ...[step].flat().map((line) => `   - \`${line}\``)].join('\n');
  });
  return `### ${title}\n\n${steps.join('\n')}\n\n${device}\n\n**Offline:** ${offline}.`;
}
