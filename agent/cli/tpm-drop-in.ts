import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../failure/failure.ts';
import { unitOf } from '../machine/unit.ts';
import { writeAtomically } from '../state/durable.ts';

/** The package's drop-in for a gateway with a TPM (systemd/tpm.conf). */
const TEMPLATE = '/usr/share/newleaf/tpm.conf';

const TIME_LIMIT_MS = 30_000;

/**
 * Lets the unit of the daemon use the TPM: without the drop-in it may not, though root may.
 * @param unit without `.service`
 * @param store where the module keeps its tokens: `new` as the drop-in says, `kept` where they are already
 * @returns the drop-in that was written; undefined where there is one already, or no unit
 * @throws Fault NL-CONFIG
 */
export async function letUnitUseTpm(unit: string, store: 'new' | 'kept'): Promise<string | undefined> {
  const dropIn = `/etc/systemd/system/${unit}.service.d/tpm.conf`;
  if (unitOf(unit) === undefined || existsSync(dropIn) || !existsSync(TEMPLATE)) return undefined;
  const template = readFileSync(TEMPLATE, 'utf8');
  const text = store === 'new' ? template : template.replace(/^Environment=TPM2_PKCS11_STORE=.*\n/m, '');
  try {
    await mkdir(dirname(dropIn), { recursive: true, mode: 0o755 });
    await writeAtomically(dropIn, text, 0o644);
    execFileSync('systemctl', ['daemon-reload'], { timeout: TIME_LIMIT_MS, stdio: 'ignore' });
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: `The unit cannot be given the TPM: ${dropIn}.`, cause });
  }
  return dropIn;
}
