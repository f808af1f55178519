import { existsSync } from 'node:fs';
import { standardOf } from '../../config/draft.ts';
import { askSetting } from './ask-setting.ts';
import type { Guide } from './guide.ts';
import { SETTINGS } from './settings.ts';
import { admitTpm } from './tpm-unit.ts';

/** How this device proves itself. Without a TPM there is no question. */
export async function askAttestation(guide: Guide): Promise<void> {
  const { answers, dialogue, flag } = guide;
  const { attestation, 'tpm-device': device } = SETTINGS;
  const isTpm = () => answers.get(attestation.name) === 'tpm';
  const isGiven = flag(attestation.flag) !== undefined;
  if (isGiven || isTpm() || existsSync(String(standardOf(device.name)))) {
    if (dialogue.asks && !isGiven) dialogue.say('How does this device prove itself?');
    await askSetting(guide, attestation);
  } else answers.set(attestation.name, standardOf(attestation.name));
  if (!isTpm()) return answers.set(device.name, undefined);
  await askSetting(guide, device);
  await admitTpm(guide, 'new');
}
