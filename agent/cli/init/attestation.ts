import { existsSync } from 'node:fs';
import { objectionTo, standardOf } from '../../config/draft.ts';
import { askSetting } from './ask-setting.ts';
import type { Choice } from './dialogue.ts';
import { type Guide, wrongFlag } from './guide.ts';
import { admitTpm } from './tpm-unit.ts';

type Attestation = 'x509' | 'tpm';

const ATTESTATION = 'dps.attestation';
const DEVICE = 'tpm.device';

const WAYS: readonly Choice<Attestation>[] = [
  { key: 'x509', words: 'x509: by a leaf, whose key is in a PKCS#11 token, which may be in the TPM' },
  { key: 'tpm', words: 'tpm: by the endorsement key of its TPM, without any certificate' },
];

/** How this device proves itself. Without a TPM there is no question. */
export async function askAttestation(guide: Guide): Promise<void> {
  const { answers } = guide;
  const way = await wayOf(guide);
  answers.set(ATTESTATION, way);
  if (way === 'x509') return answers.set(DEVICE, undefined);
  await askSetting(guide, { name: DEVICE, flag: 'tpm-device', words: 'The TPM' });
  await admitTpm(guide, 'new');
}

async function wayOf({ answers, dialogue, flag }: Guide): Promise<Attestation> {
  const keys = WAYS.map(({ key }) => key);
  const given = flag('attestation');
  const wrong = given === undefined ? undefined : objectionTo(ATTESTATION, given);
  if (wrong !== undefined) throw wrongFlag('attestation', wrong);
  const written = given ?? answers.text(ATTESTATION);
  const standing = keys.find((key) => key === written) ?? 'x509';
  const hasTpm = standing === 'tpm' || existsSync(String(standardOf(DEVICE)));
  if (!dialogue.asks || given !== undefined || !hasTpm) return standing;
  dialogue.say('How does this device prove itself?');
  return dialogue.choose('Which one', WAYS, standing);
}
