import { objectionTo } from '../config/draft.ts';
import { Fault } from '../roll/failure.ts';
import type { Choice } from './dialogue.ts';
import type { Guide } from './guide.ts';

type Attestation = 'x509' | 'tpm';

const WAYS: readonly Choice<Attestation>[] = [
  { key: 'x509', words: 'x509: by a leaf, whose key is in a PKCS#11 token' },
  { key: 'tpm', words: 'tpm: by its TPM alone, without any certificate' },
];

/** How this device proves itself. Where there is one way only, nobody is asked. */
export async function askAttestation({ answers, dialogue, flag }: Guide): Promise<Attestation> {
  const name = 'dps.attestation';
  const ways = WAYS.filter(({ key }) => objectionTo(name, key) === undefined);
  const known = (written: string | undefined) => ways.find(({ key }) => key === written)?.key;
  const given = flag('attestation');
  const wrong = given === undefined ? undefined : objectionTo(name, given);
  if (wrong !== undefined)
    throw new Fault('NL-CONFIG', { message: `--attestation ${wrong}.`, advice: 'See: newleaf init --help' });
  const standing = known(given) ?? known(answers.text(name)) ?? 'x509';
  const isAsked = dialogue.asks && given === undefined && ways.length > 1;
  if (isAsked) dialogue.say('How does this device prove itself?');
  const way = isAsked ? await dialogue.choose('Which one', ways, standing) : standing;
  answers.set(name, way);
  return way;
}
