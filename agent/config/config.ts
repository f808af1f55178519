import { dirname } from 'node:path';
import { isPassing } from '../failure/errno.ts';
import { Fault } from '../failure/failure.ts';
import { closedOn, opening } from './closed.ts';
import { type Draft, draftText } from './draft.ts';
import { fileText } from './environment.ts';
import { DEFAULT_PATH, instanceOf } from './instance.ts';
import { lostOr } from './lost.ts';
import { type ConfigReading, type Effective, notSetUp, readConfig, surveyConfig } from './read.ts';
import type { Values } from './schema.ts';

export { DEFAULT_PATH, instanceOf } from './instance.ts';
export { printConfig, type SettingRow, settingRows } from './print.ts';

/** By what DPS knows a gateway whose leaves Azure issues: a key in the token, with its certificate. */
export interface Onboarding {
  readonly key: string;
  readonly certificate?: string | undefined;
}

/** The chosen issuer with its own settings. */
export type IssuerChoice =
  | ({ readonly kind: 'est' } & Values['issuer.est'])
  | ({ readonly kind: 'command' } & Values['issuer.command'])
  | ({ readonly kind: 'azure' } & Values['issuer.azure'] & Onboarding)
  | { readonly kind: 'inbox' | 'hub' };

/**
 * Sections and keys have the names that the operator writes; values are parsed: durations in milliseconds, shares as
 * numbers below 1. Frozen.
 */
export type Config = X509Config | TpmConfig;

type Shared = Pick<Values, 'dps' | 'trust' | 'network' | 'state' | 'control' | 'uplink' | 'log' | 'limits'>;

/** The gateway proves itself with a leaf, whose key is in a PKCS#11 token. */
export type X509Config = Shared &
  Pick<Values, 'hsm'> & {
    readonly leaf: Omit<Values['leaf'], 'issuer'>;
    readonly issuer: IssuerChoice;
  };

/** The gateway proves itself by its TPM, and has no leaf. */
export type TpmConfig = Shared & Pick<Values, 'tpm'>;

export interface LoadedConfig {
  readonly file: string;
  readonly config: Config;
  /** Every setting in effect, for `printConfig`. */
  readonly effective: readonly Effective[];
}

/** The file named by `--config`, by NEWLEAF_CONFIG, or the default. */
export function configPath(option: string | undefined, env: NodeJS.ProcessEnv): string {
  return option ?? env.NEWLEAF_CONFIG ?? DEFAULT_PATH;
}

/**
 * @param toml the text of the file, where it was read before
 * @param env of the container whose settings these are: not for those of another daemon
 * @throws Fault NL-CONFIG-READ; NL-CONFIG that names file, line and key of every mistake, or says why there is nothing to read
 */
export function loadConfig(file: string, toml?: string, env = process.env): LoadedConfig {
  try {
    return configIn(readConfig(toml ?? textOf(file, env), file, env), file);
  } catch (error) {
    throw lostOr(error, file);
  }
}

/** The pure half of `loadConfig`; `file` is only named in messages. */
export const parseConfig = (toml: string, file: string): LoadedConfig => configIn(readConfig(toml, file), file);

/** The settings so far, to prove them one by one: one that is missing is undefined, whatever its type says. */
export const draftConfig = (draft: Draft, file: string): LoadedConfig =>
  configIn(surveyConfig(draftText(draft, 'A draft.'), file), file);

function configIn({ values, effective }: ConfigReading, file: string): LoadedConfig {
  const { dps, hsm, tpm, trust, network, state, control, uplink, log, limits } = values;
  const shared = { dps, trust, network, state, control, uplink, log, limits };
  if (dps.attestation === 'tpm') return { file, config: frozen({ ...shared, tpm }), effective };
  const { issuer: kind, ...leaf } = values.leaf;
  return { file, config: frozen({ ...shared, hsm, leaf, issuer: issuerOf(kind, values) }), effective };
}

/** @throws Fault NL-TPM-NO-LEAF where it attests by its TPM */
export function x509Of(config: Config): X509Config {
  if ('tpm' in config) throw new Fault('NL-TPM-NO-LEAF');
  return config;
}

function issuerOf(kind: Values['leaf']['issuer'], values: Values): IssuerChoice {
  if (kind === 'est') return { kind, ...values['issuer.est'] };
  if (kind === 'command') return { kind, ...values['issuer.command'] };
  // rules.ts sees that the key is set.
  if (kind === 'azure') return { kind, ...values['issuer.azure'], ...(values.onboarding as Onboarding) };
  return { kind };
}

function textOf(file: string, env: NodeJS.ProcessEnv): string {
  try {
    return fileText(file, env);
  } catch (cause) {
    if (isPassing(cause))
      throw new Fault('NL-CONFIG-READ', { message: `The configuration ${file} cannot be read.`, cause });
    const { code } = cause as NodeJS.ErrnoException;
    // One that was named is more likely misspelled.
    if (code === 'ENOENT' && instanceOf(file).hasUnit) throw notSetUp(file);
    const closed = code === 'EACCES' ? closedOn(file) : undefined;
    if (closed !== undefined) {
      const way = closed.isPassage ? `: ${closed.path} is closed to it` : '';
      throw new Fault('NL-CONFIG', {
        message: `The configuration ${file} may not be read by this user${way}.`,
        advice: `As root: ${opening(closed, dirname(file))}, then \`systemctl restart newleaf\`.`,
      });
    }
    const message = {
      ENOENT: `There is no configuration at ${file}.`,
      EISDIR: `The configuration ${file} is a directory.`,
    }[code ?? ''];
    const cure = code === 'ENOENT' ? 'Run `newleaf init`, which writes it' : 'Correct it';
    throw new Fault('NL-CONFIG', {
      message: message ?? `The configuration ${file} cannot be read (${code}).`,
      advice: `${cure}; or name another with --config FILE or NEWLEAF_CONFIG (default: ${DEFAULT_PATH}).`,
    });
  }
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
