import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { instanceOf } from '../../config/config.ts';
import { unitOf } from '../../machine/unit.ts';
import { writeAtomically } from '../../state/durable.ts';
import { type Guide, misconfigured } from './guide.ts';

/** The package's drop-in for a gateway with a TPM (systemd/tpm.conf). */
const TEMPLATE = '/usr/share/newleaf/tpm.conf';

const TIME_LIMIT_MS = 30_000;

/**
 * Lets the unit of the daemon use the TPM: without the drop-in it may not, though root here may.
 * @param store where the module keeps its tokens: `new` as the drop-in says, `kept` where they are already
 * @throws Fault NL-CONFIG
 */
export async function admitTpm({ account, dialogue, file }: Guide, store: 'new' | 'kept'): Promise<void> {
  const { unit } = instanceOf(file);
  const dropIn = `/etc/systemd/system/${unit}.service.d/tpm.conf`;
  if (account === undefined || unitOf(unit) === undefined || existsSync(dropIn) || !existsSync(TEMPLATE)) return;
  const template = readFileSync(TEMPLATE, 'utf8');
  const text = store === 'new' ? template : template.replace(/^Environment=TPM2_PKCS11_STORE=.*\n/m, '');
  try {
    await mkdir(dirname(dropIn), { recursive: true, mode: 0o755 });
    await writeAtomically(dropIn, text, 0o644);
    execFileSync('systemctl', ['daemon-reload'], { timeout: TIME_LIMIT_MS, stdio: 'ignore' });
  } catch (cause) {
    throw misconfigured(`The unit cannot be given the TPM: ${dropIn}.`, undefined, cause);
  }
  dialogue.ok(`The daemon may use the TPM: ${dropIn}.`);
}
