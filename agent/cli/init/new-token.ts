import { isModuleOf, MAKEABLE } from '../../../hsm/known-modules.ts';
import { randomPin } from '../../../hsm/pin.ts';
import { instanceOf, x509Of } from '../../config/config.ts';
import { objectionTo } from '../../config/draft.ts';
import { Fault } from '../../failure/failure.ts';
import { Interrupted } from '../kit/prompt.ts';
import type { Shown, Survey } from '../proof/survey.ts';
import { letUnitUseTpm } from '../tpm-drop-in.ts';
import { beside, readSecret, writeFor } from './copies.ts';
import { Back } from './dialogue.ts';
import { askInOrder, type Guide, wrongFlag } from './guide.ts';
import { givenPin, pinPlace, storedPin, storePin } from './pin.ts';

export type NewKind = keyof typeof MAKEABLE;

/** The better one first. */
export const TOKEN_KINDS: readonly NewKind[] = ['tpm', 'softhsm'];

export const STANDARD_LABEL = 'newleaf';

const WORDS: Readonly<Record<NewKind, string>> = {
  tpm: 'a new token in the TPM of this gateway: its keys work in this TPM only',
  softhsm: 'a new token in SoftHSM: its keys are files that only the daemon and root can read',
};

/** The tokens that can be made here, in words for the list of choices. */
export const newKinds = ({ free }: Survey) =>
  TOKEN_KINDS.flatMap((kind) => {
    const slot = free.find(({ module }) => isModuleOf(kind, module.path));
    return slot === undefined ? [] : [{ ...slot, kind, words: WORDS[kind] }];
  });

/**
 * Makes a token, with a PIN that is on disk before it is in the token: an interruption locks nothing away, and the next run
 * completes the token.
 * @returns undefined where it failed, and the person was told
 * @throws Fault where there is no terminal
 */
export async function makeNewToken(guide: Guide, kind: NewKind, found: Survey): Promise<Shown | undefined> {
  const { answers, dialogue, errand } = guide;
  const maker = newKinds(found).find((one) => one.kind === kind);
  if (maker === undefined) throw notHere(kind, found);
  const module = maker.module.path;
  try {
    // A token that is made stays, and without TLS it would be of no use.
    await errand('findTls', { module, tls: x509Of(answers.config).hsm.tls });
    const questions = [() => labelOf(guide, maker, found), () => pinFor(guide, maker)];
    const [label = '', pin = ''] = await askInOrder(guide, questions);
    const soPinFile = beside(guide, 'so-pin');
    const soPin = (await readSecret(soPinFile, guide.env)) ?? randomPin();
    if (kind === 'tpm') await admitTpm(guide, 'new');
    await storePin(guide, label, pin);
    await writeFor('caller', guide, soPinFile, `${soPin}\n`);
    await errand('makeToken', { module, label, pin, soPin });
    const token = (await errand('tokens', module)).find((one) => one.label === label && one.hasPin);
    if (token === undefined)
      throw new Fault('NL-TOKEN-MISSING', { message: `The token "${label}" was made, and is not there.` });
    const places = `Its PIN is in ${pinPlace(guide).path}, that of its officer in ${soPinFile}.`;
    dialogue.ok(`Token "${label}" is made. ${places}`);
    return { module: maker.module, token };
  } catch (error) {
    if (error instanceof Interrupted || error instanceof Back) throw error;
    dialogue.meet(error);
    return undefined;
  }
}

function notHere(kind: NewKind, { useless }: Survey): Fault {
  const { name, package: debian } = MAKEABLE[kind];
  const there = useless.find(({ module }) => isModuleOf(kind, module.path));
  const why = there === undefined ? `there is no module for ${name}` : `${there.module.path}: ${there.why}`;
  const right = 'Give the user newleaf the right to use it (in Fedora: `usermod -aG ods newleaf`)';
  const how = there === undefined ? `Install it (\`apt-get install ${debian}\`)` : right;
  const advice = `${how}, and run \`newleaf init\` again.`;
  return new Fault('NL-TOKEN-MODULE', { message: `No token can be made here: ${why}.`, advice });
}

async function labelOf({ dialogue, flags }: Guide, { module }: Shown, { tokens }: Survey): Promise<string> {
  const there = tokens.filter((one) => one.module.path === module.path && one.token.hasPin);
  const taken = there.map(({ token }) => token.label);
  const more = taken.map((_, at) => `${STANDARD_LABEL}-${at + 2}`);
  const standard =
    flags.get('token') ?? [STANDARD_LABEL, ...more].find((label) => !taken.includes(label)) ?? STANDARD_LABEL;
  const objection = (label: string) =>
    taken.includes(label) ? 'must be another: there is a token with this name' : objectionTo('hsm.token', label);
  if (dialogue.asks && !flags.has('token')) return dialogue.text('Name of the new token', standard, objection);
  const wrong = objection(standard);
  if (wrong !== undefined) throw wrongFlag('token', wrong);
  return standard;
}

/** A stored PIN is kept: an interrupted run may have stored it. */
async function pinFor(guide: Guide, { token: { pinLength } }: Shown): Promise<string> {
  const { least, most } = pinLength;
  const objection = (pin: string) =>
    pin.length < least || pin.length > most ? `must be ${least} to ${most} characters long` : undefined;
  const given = await givenPin(guide);
  const wrong = given === undefined ? undefined : objection(given);
  if (wrong !== undefined && guide.flags.has('pin-file')) throw wrongFlag('pin-file', `holds a PIN that ${wrong}`);
  if (wrong !== undefined) throw new Fault('NL-TOKEN-PIN-FILE', { message: `The PIN for the new token ${wrong}.` });
  const known = given ?? (await storedPin(guide));
  if (known !== undefined && objection(known) === undefined) return known;
  if (!guide.dialogue.asks) return randomPin();
  const words = 'PIN for it (not shown; Enter: a random one, which is never typed)';
  return (await guide.dialogue.secret(words, (one) => (one === '' ? undefined : objection(one)))) || randomPin();
}

/** @param store where the module keeps its tokens: `new` as the drop-in says, `kept` where they are already */
export async function admitTpm({ account, dialogue, file }: Guide, store: 'new' | 'kept'): Promise<void> {
  const dropIn = account && (await letUnitUseTpm(instanceOf(file).unit, store));
  if (dropIn !== undefined) dialogue.ok(`The daemon may use the TPM: ${dropIn}.`);
}
