import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printConfig } from '../../config/config.ts';
import { type Effective, surveyConfig } from '../../config/read.ts';
import { sectionOf, type Written } from '../../config/schema.ts';
import { CREDENTIAL, PIN_FILE } from '../../machine/root-pin.ts';
import { REDACTED } from './redact.ts';

/** The configuration, however much of it can be understood. */
export interface Settings {
  readonly file: string;
  readonly effective: readonly Effective[];
  /** What is wrong with it, one sentence and line each. */
  readonly mistakes: readonly string[];
}

export function settingsIn(file: string): Settings {
  try {
    const { effective, mistakes } = surveyConfig(readFileSync(file, 'utf8'), file);
    return { file, effective, mistakes: mistakes.map(({ sentence }) => sentence) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { file, effective: [], mistakes: [`${file} cannot be read, so this goes by the defaults: ${why}`] };
  }
}

/** A setting as it is in effect, by its dotted name; the default, where the configuration says nothing of it. */
export function textOf({ effective }: Settings, name: string): string | undefined {
  const found = effective.find(({ section, key }) => `${section}.${key}` === name);
  const dot = name.lastIndexOf('.');
  const written = found === undefined ? sectionOf(name.slice(0, dot))?.[name.slice(dot + 1)]?.standard : found.written;
  return typeof written === 'string' && written !== '' ? written : undefined;
}

/** What is nobody's business, though it is no secret to those who may read the configuration. */
const PRIVATE: Readonly<Record<string, (written: Written) => Written>> = {
  'dps.payload': () => REDACTED,
  'issuer.est.username': (written) => (written === '' ? written : REDACTED),
  'issuer.command.argv': (written) =>
    Array.isArray(written) ? written.map((one, index) => (index === 0 ? one : REDACTED)) : REDACTED,
};

/** The settings without what is private; the file itself stays here, as nobody knows what is in its comments. */
export function settingsInWords({ file, effective, mistakes }: Settings): string {
  const shown = effective.map((setting) => {
    const hide = PRIVATE[`${setting.section}.${setting.key}`];
    const { written } = setting;
    return hide === undefined || written === undefined ? setting : { ...setting, written: hide(written) };
  });
  const wrong = mistakes.length === 0 ? '' : `${mistakes.map((one) => `# ${one}`).join('\n')}\n\n`;
  return `${wrong}${printConfig(shown, file)}`;
}

/** What is to be taken out, whoever has written it down: what is in the secret files, as far as this user may read them, and the private settings. */
export function secretsOf(settings: Settings, { CREDENTIALS_DIRECTORY: directory }: NodeJS.ProcessEnv): string[] {
  const own = ['hsm.pin_file', 'issuer.est.password_file', 'issuer.est.bootstrap_key'];
  const files = own.map((name) => textOf(settings, name)).filter((path) => path?.startsWith('/'));
  const passed = directory === undefined ? [] : [join(directory, 'hsm-pin')];
  const texts = [...files, PIN_FILE, CREDENTIAL, ...passed].flatMap((path) => {
    try {
      return path === undefined ? [] : [readFileSync(path, 'utf8')];
    } catch {
      return [];
    }
  });
  // Of a key each line by itself, as a log may have cut it.
  const lines = texts.flatMap((text) => [text, ...text.split('\n')]).map((text) => text.trim());
  return [...new Set([...lines.filter((line) => line !== '' && !line.startsWith('-----')), ...privateTexts(settings)])];
}

/** Shorter ones are words of everyday life. */
const LEAST_PRIVATE = 6;

/** Texts in private settings; but the name of a path, of an option or of this very gateway is no secret. */
function privateTexts({ effective }: Settings): readonly string[] {
  const [hidden, shown] = [true, false].map((isPrivate) =>
    effective.filter(({ section, key }) => `${section}.${key}` in PRIVATE === isPrivate).map(({ written }) => written),
  );
  const elsewhere = JSON.stringify(shown);
  return textsIn(hidden)
    .map((text) => text.replace(/^--?[\w-]+=/, ''))
    .filter((text) => text.length >= LEAST_PRIVATE && !/^[-/]/.test(text) && !elsewhere.includes(text));
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
