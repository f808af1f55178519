import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Config, loadConfig } from './config.ts';
import { configurationOf, DEFAULT_PATH, instanceOf, isInstanceName } from './instance.ts';

/** A daemon of this gateway. */
export interface Neighbour {
  readonly file: string;
  readonly config: Config;
}

/** The daemons of this gateway that have a name and a configuration, as far as this user may look. */
export function namesHere(): readonly string[] {
  try {
    const names = readdirSync(dirname(DEFAULT_PATH));
    return names.filter((name) => isInstanceName(name) && existsSync(configurationOf(name))).sort();
  } catch {
    return [];
  }
}

/** The other daemons of this gateway; those with a configuration that is not complete, or closed to this user, are left out. */
export function neighboursOf(file: string): readonly Neighbour[] {
  if (!instanceOf(file).hasUnit) return [];
  const files = [DEFAULT_PATH, ...namesHere().map(configurationOf)].filter((other) => other !== file);
  return files.flatMap((other) => {
    try {
      return [{ file: other, config: loadConfig(other, undefined, {}).config }];
    } catch {
      return [];
    }
  });
}

/** What two daemons must not share, as a sentence; undefined where they are apart. */
export function clashOf(config: Config, others: readonly Neighbour[]): string | undefined {
  const found = others.flatMap((other) => {
    const shared = sharedBy(config, other.config);
    return shared === undefined ? [] : [`${shared} is that of ${other.file}, too: two daemons must not share it.`];
  });
  return found[0];
}

function sharedBy(one: Config, other: Config): string | undefined {
  const isSameDps = one.dps.id_scope === other.dps.id_scope && one.dps.endpoint === other.dps.endpoint;
  if (isSameDps && one.dps.registration_id === other.dps.registration_id) return 'dps.registration_id';
  if (one.state.directory === other.state.directory) return 'state.directory';
  if (one.control.socket === other.control.socket) return 'control.socket';
  // The key that DPS sends has one place in the TPM.
  if ('tpm' in one && 'tpm' in other) return one.tpm.device === other.tpm.device ? 'tpm.device' : undefined;
  if ('tpm' in one || 'tpm' in other) return undefined;
  const [mine, its] = [one.hsm, other.hsm];
  const isSameToken = mine.module === its.module && mine.token === its.token && mine.uri === its.uri;
  return isSameToken && mine.label_prefix === its.label_prefix ? 'hsm.label_prefix' : undefined;
}
