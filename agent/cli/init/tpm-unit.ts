import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MAKEABLE } from '../../../hsm/known-modules.ts';
import { Fault } from '../../failure/failure.ts';
import { unitOf } from '../../machine/unit.ts';
import { writeAtomically } from '../../state/durable.ts';
import type { Guide } from './guide.ts';

/** The package's drop-in for a gateway with a TPM (systemd/tpm.conf). */
const TEMPLATE = '/usr/share/newleaf/tpm.conf';
const DROP_IN = '/etc/systemd/system/newleaf.service.d/tpm.conf';

const TIME_LIMIT_MS = 30_000;

export const isTpmModule = (path: string): boolean => MAKEABLE.tpm.files.some((file) => path.endsWith(`/${file}`));

/**
 * Lets the unit of the daemon use the TPM: without the drop-in it may not, though root here may.
 * @param store where the module keeps its tokens: `new` as the drop-in says, `kept` where they are already
 * @throws Fault NL-CONFIG
 */
export async function admitTpm({ account, dialogue }: Guide, store: 'new' | 'kept'): Promise<void> {
  if (account === undefined || unitOf() === undefined || existsSync(DROP_IN) || !existsSync(TEMPLATE)) return;
  const template = readFileSync(TEMPLATE, 'utf8');
  const text = store === 'new' ? template : template.replace(/^Environment=TPM2_PKCS11_STORE=.*\n/m, '');
  try {
    await mkdir(dirname(DROP_IN), { recursive: true, mode: 0o755 });
    await writeAtomically(DROP_IN, text, 0o644);
    execFileSync('systemctl', ['daemon-reload'], { timeout: TIME_LIMIT_MS, stdio: 'ignore' });
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: `The unit cannot be given the TPM: ${DROP_IN}.`, cause });
  }
  dialogue.ok(`The daemon may use the TPM: ${DROP_IN}.`);
}
