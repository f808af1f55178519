import type { Effective } from './read.ts';
import { SECTION_NAMES, type Setting, sectionOf, type Written } from './schema.ts';

/** The effective configuration as TOML, each value with its source. It holds no secrets: those have files of their own. */
export function printConfig(effective: readonly Effective[], file: string): string {
  const sections = SECTION_NAMES.map((name) => {
    const settings = effective.filter(({ section }) => section === name);
    return settings.length === 0 ? '' : [`[${name}]`, ...settings.map((setting) => print(setting, file))].join('\n');
  });
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function print({ section, key, written, line, variable }: Effective, file: string): string {
  if (written === undefined) return `# ${key} is not set: ${sectionOf(section)?.[key]?.absent}`;
  return `${key} = ${toml(written)}  # ${variable ?? (line === undefined ? 'default' : `${file}:${line}`)}`;
}

/** A value as it stands in the file. */
export function toml(written: Written): string {
  if (written instanceof Date) return written.toISOString();
  if (typeof written !== 'object') return typeof written === 'string' ? JSON.stringify(written) : String(written);
  if (Array.isArray(written)) return `[${written.map(toml).join(', ')}]`;
  return `{ ${Object.entries(written)
    .map(([key, value]) => `${JSON.stringify(key)} = ${toml(value)}`)
    .join(', ')} }`;
}

export interface SettingRow extends Pick<Setting<unknown>, 'type' | 'range' | 'absent' | 'meaning'> {
  /** `section.key` */
  readonly name: string;
  /** As TOML. */
  readonly standard?: string;
}

/** Every setting, for the pages and the manual. */
export function settingRows(): readonly SettingRow[] {
  return SECTION_NAMES.flatMap((section) =>
    Object.entries(sectionOf(section) ?? {}).map(([key, { type, range, standard, absent, meaning }]) => ({
      name: `${section}.${key}`,
      type,
      range,
      ...(standard !== undefined && { standard: toml(standard) }),
      ...(absent !== undefined && { absent }),
      meaning,
    })),
  );
}
