import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Absence, pulled } from './absence.ts';

/**
 * `local`: says CKA_LOCAL of a key that was made in the token. `usage`: makes keys that can do nothing but sign.
 * `halves`: destroys one half of a pair alone. `sight`: shows a process what another has changed. `long-life`: serves a process for as many rolls as it wants.
 * `pss`: lists CKM_RSA_PKCS_PSS.
 */
export type Lack = 'local' | 'usage' | 'halves' | 'sight' | 'long-life' | 'pss';

/** A token to test with, whatever module it is in. */
export interface TestToken {
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  readonly pin: string;
  /** Must be in process.env before the module is initialised, and in the environment of every child that uses it. */
  readonly environment: Readonly<Record<string, string>>;
  /** What this module does not do as others do; each with its reason where the module is set up. */
  readonly lacks: readonly Lack[];
  /** How it can be away. */
  readonly absences: readonly Absence[];
  /** A directory of the test's own; it goes with `remove`. */
  readonly directory: string;
  remove(): void;
}

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const PIN = '1234';

/** A SoftHSM of its own with one initialised token; further labels give further tokens with the same PIN. */
export function softHsm(token = 'newleaf', ...others: readonly string[]): TestToken {
  return softHsmUnder(tmpdir(), [token, ...others]);
}

/** The same in a directory that the caller chooses. */
export function softHsmUnder(parent: string, labels: readonly [string, ...string[]]): TestToken {
  const directory = mkdtempSync(join(parent, 'newleaf-softhsm-'));
  const tokens = join(directory, 'tokens');
  const configuration = join(directory, 'softhsm2.conf');
  mkdirSync(tokens);
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const environment = { SOFTHSM2_CONF: configuration };
  for (const label of labels) {
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', '56785678'], {
      env: { ...process.env, ...environment },
      stdio: 'pipe',
    });
  }
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const absences = [pulled(tokens, { away: 'poisoned', back: 'poisoned' })];
  return { module: MODULE, token: labels[0], pin: PIN, environment, lacks: [], absences, directory, remove };
}
