import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceOf, printConfig } from '../../config/config.ts';
import { standardOf } from '../../config/draft.ts';
import { fileText } from '../../config/environment.ts';
import { type Effective, isUnset, NOT_SET_UP, surveyConfig } from '../../config/read.ts';
import type { Written } from '../../config/schema.ts';
import { readRegular } from '../../state/durable.ts';
import { KEY_FILE } from '../../state/program-key.ts';
import { uplinkDirectory } from '../../state/program-name.ts';
import { REDACTED } from './redact.ts';

/** The configuration, as far as it can be read. */
export interface Settings {
  readonly file: string;
  readonly effective: readonly Effective[];
  /** One sentence and line for each mistake. */
  readonly mistakes: readonly string[];
}

export function settingsIn(file: string, env = process.env): Settings {
  try {
    const toml = fileText(file, env);
    const { effective, mistakes } = surveyConfig(toml, file, env);
    return {
      file,
      effective,
      mistakes: isUnset(toml, file, env) ? [NOT_SET_UP] : mistakes.map(({ sentence }) => sentence),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { file, effective: [], mistakes: [`${file} cannot be read, so this goes by the defaults: ${why}`] };
  }
}

/** A setting in effect, by its dotted name; the default, where the configuration does not name it. */
export function textOf({ file, effective }: Settings, name: string): string | undefined {
  const found = effective.find(({ section, key }) => `${section}.${key}` === name);
  const written = found === undefined ? standardOf(name, file) : found.written;
  return typeof written === 'string' && written !== '' ? written : undefined;
}

/** Private settings: no secret to readers of the configuration, but no concern of the bundle's readers. */
const PRIVATE: Readonly<Record<string, (written: Written) => Written>> = {
  'dps.payload': () => REDACTED,
  'network.proxy_username': (written) => (written === '' ? written : REDACTED),
  'issuer.est.username': (written) => (written === '' ? written : REDACTED),
  'issuer.command.argv': (written) =>
    Array.isArray(written) ? written.map((one, index) => (index === 0 ? one : REDACTED)) : REDACTED,
};

/** The settings without the private ones. The file itself stays here, because its comments may say anything. */
export function settingsInWords({ file, effective, mistakes }: Settings): string {
  const shown = effective.map((setting) => {
    const hide = PRIVATE[`${setting.section}.${setting.key}`];
    const { written } = setting;
    return hide === undefined || written === undefined ? setting : { ...setting, written: hide(written) };
  });
  const wrong = mistakes.length === 0 ? '' : `${mistakes.map((one) => `# ${one}`).join('\n')}\n\n`;
  return `${wrong}${printConfig(shown, file)}`;
}

/** Texts to take out of every part: the content of the secret files that this user may read, and the private settings. */
export async function secretsOf(
  settings: Settings,
  { CREDENTIALS_DIRECTORY: directory }: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const own = ['hsm.pin_file', 'network.proxy_password_file', 'issuer.est.password_file', 'issuer.est.bootstrap_key'];
  const files = own.map((name) => textOf(settings, name)).filter((path) => path?.startsWith('/'));
  const passed = directory === undefined ? [] : [join(directory, 'hsm-pin')];
  const { pin, credential } = instanceOf(settings.file);
  const texts = [...files, pin, credential, ...passed].flatMap((path) => {
    try {
      return path === undefined ? [] : [readFileSync(path, 'utf8')];
    } catch {
      return [];
    }
  });
  // Each line of a key by itself: a log may have cut the key.
  const lines = texts.flatMap((text) => [text, ...text.split('\n')]).map((text) => text.trim());
  const readable = lines.filter((line) => line !== '' && !line.startsWith('-----'));
  const keys = await programKeys(textOf(settings, 'state.directory') ?? '');
  return [...new Set([...readable, ...privateTexts(settings), ...keys])];
}

/** The keys of the programs, as far as this user may read them. @param state directory */
async function programKeys(state: string): Promise<readonly string[]> {
  const directory = uplinkDirectory(state);
  const names = await readdir(directory).catch(() => []);
  const texts = names.map((name) => readRegular(join(directory, name, KEY_FILE)).catch(() => ''));
  // Also of a file that is damaged: what is left of it.
  return (await Promise.all(texts)).flatMap((text) => text.split(/\s/, 1)).filter((key) => key !== '');
}

/** Shorter ones are everyday words. */
const LEAST_PRIVATE = 6;

/** Texts in private settings; the name of a path, of an option or of this gateway is not private. */
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
