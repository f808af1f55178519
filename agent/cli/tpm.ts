import { existsSync } from 'node:fs';
import { createTpm } from '../../hsm/tpm/tpm.ts';
import { type Config, configPath, loadConfig } from '../config/config.ts';
import { fileText, isSetBy } from '../config/environment.ts';
import { isUnset } from '../config/read.ts';
import { EXIT } from '../failure/exit.ts';
import { command, type Run, textOption } from './kit/command.ts';
import { type Screen, screenOf, wrap } from './kit/screen.ts';

/** The data that DPS needs before this gateway may attest by its TPM. */
export interface Endorsement {
  readonly registrationId: string;
  /** TPM2B_PUBLIC in base64, as the portal, the SDKs and `az iot dps` take it. */
  readonly endorsementKey: string;
  readonly storageRootKey: string;
}

/** The default of `tpm.device`, where nothing is configured yet. */
const USUAL_DEVICE = '/dev/tpmrm0';

/**
 * Asks the TPM, which makes the keys if it has none yet. Without a configuration the registration ID is derived from the
 * endorsement key.
 * @throws TpmError missing, denied, failed
 */
export async function readEndorsement(config?: Config): Promise<Endorsement> {
  const tpm = createTpm(config !== undefined && 'tpm' in config ? config.tpm.device : USUAL_DEVICE);
  try {
    const { registrationId, endorsementKey, storageRootKey } = await tpm.identity();
    return {
      registrationId: config?.dps.registration_id ?? registrationId,
      endorsementKey: endorsementKey.toString('base64'),
      storageRootKey: storageRootKey.toString('base64'),
    };
  } finally {
    tpm.close();
  }
}

/** The command that enrolls this gateway; the operator puts the name of the DPS instance in place of DPS. */
export function enrollCommand({ registrationId, endorsementKey }: Endorsement): string {
  const named = `--dps-name DPS --enrollment-id ${registrationId}`;
  return `az iot dps enrollment create ${named} --attestation-type tpm --endorsement-key ${endorsementKey}`;
}

/** The keys and the next steps. A key stays on one line, so that it can be copied. */
export function renderEndorsement(endorsement: Endorsement, screen: Screen): string {
  const { registrationId, endorsementKey, storageRootKey } = endorsement;
  const about = (text: string) => wrap(screen, text).join('\n');
  return `${[
    `Registration ID   ${registrationId}`,
    `Endorsement key   ${endorsementKey}`,
    `Storage root key  ${storageRootKey}`,
    '',
    about('Enroll this gateway with DPS: in the portal (Manage enrollments, Add individual enrollment, TPM), or'),
    '',
    enrollCommand(endorsement),
    '',
    about('Put the name of the DPS instance in place of DPS. The storage root key is not needed there.'),
  ].join('\n')}\n`;
}

/**
 * `newleaf tpm`: the data that DPS needs of this TPM. It works without a configuration, because the enrollment may come first.
 */
export const run: Run = command(async (args, { env, out }) => {
  const file = configPath(textOption(args, 'config'), env);
  const isNamed =
    textOption(args, 'config') !== undefined ||
    ((isSetBy(env) || existsSync(file)) && !isUnset(fileText(file, env), file, env));
  const endorsement = await readEndorsement(isNamed ? loadConfig(file).config : undefined);
  out.write(
    args.options.json === true
      ? `${JSON.stringify({ schema: 1, ...endorsement, command: enrollCommand(endorsement) })}\n`
      : renderEndorsement(endorsement, screenOf(out, env)),
  );
  return EXIT.done;
});
