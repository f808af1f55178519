import { rm } from 'node:fs/promises';
import { formatUri, parseUri } from '../../../../hsm/uri.ts';
import { Fault } from '../../../failure/failure.ts';
import { failureOf } from '../../../failure/failure-of.ts';
import type { Leaf } from '../../../roll/leaf.ts';
import { iso } from '../../../roll/report.ts';
import { adoptedFile } from '../../../state/adopted.ts';
import { writeAtomically } from '../../../state/durable.ts';
import { isGone, stateFile } from '../../../state/journal.ts';
import { publishedChain } from '../../../state/published.ts';
import { readEntry } from '../../../state/read-entry.ts';
import type { FoundKey } from '../../proof/errands.ts';
import type { Guide, KeyInFile } from '../guide.ts';
import { loginOf } from '../pin.ts';
import { judged, leafOf } from './pair.ts';

/** With which key and leaf the gateway begins, where it does not begin with a key of its own. @throws Fault, TokenError */
export async function askFirstKey(guide: Guide): Promise<void> {
  const { adopted, answers, dialogue, leaf } = guide;
  if (leaf !== undefined) return;
  const { key, uri, chain } = adopted ?? {};
  if (key !== undefined) return bring(guide, key, chain ?? '');
  if (uri !== undefined) return name(guide, uri, chain);
  const isWanted = adopted !== undefined;
  if (!isWanted && (!dialogue.asks || answers.get('hsm.key') !== undefined)) return;
  await offer(guide, isWanted);
}

/** A key from a file. The file stays: newleaf has not made it, and until the first roll it is the way back. */
async function bring(guide: Guide, inFile: KeyInFile, chain: string): Promise<void> {
  const { answers, errand } = guide;
  const { file, object } = inFile;
  const leaf = leafOf(chain, inFile, idOf(guide), 'The leaf');
  const label = `${answers.inEffect('hsm.label_prefix')}-a`;
  const key = object.export({ format: 'pem', type: 'pkcs8' }).toString();
  await errand('importKey', { ...(await loginOf(guide)), label, key }).catch((error: unknown) => {
    const met = failureOf(error);
    if (met.code === 'NL-TOKEN-OCCUPIED') throw error;
    throw new Fault(met.code, {
      message: `The token does not take a key from outside (tpm2-pkcs11 takes none): ${met.message}`,
      advice:
        'Take another token; or begin with a new key, and this one as --bootstrap-cert and --bootstrap-key: then DPS gives the gateway to the new leaf at once.',
      cause: error,
    });
  });
  await begin(guide, leaf, `A copy of the key ${file} is in the token, as "${label}"`);
}

async function name(guide: Guide, uri: string, chain: string | undefined): Promise<void> {
  const { object, id } = parseUri(uri);
  const [only, ...more] = (await guide.errand('keysIn', await loginOf(guide))).filter(
    (one) => (object ?? one.label) === one.label && (id?.toString('hex') ?? one.id) === one.id,
  );
  if (only === undefined || more.length > 0) {
    const message = `${only === undefined ? 'No key' : 'More than one key'} in the token matches ${uri}.`;
    throw new Fault('NL-TOKEN-KEY', { message, advice: 'Take the token that has it (--token), or correct the URI.' });
  }
  await take(guide, only, fitting(guide, only, chain), chain !== undefined);
}

/** Keys with a leaf for this gateway: those of a factory, and those of our own whose state was lost. */
async function offer(guide: Guide, isWanted: boolean): Promise<void> {
  const { answers, dialogue, errand } = guide;
  const directory = answers.inEffect('state.directory');
  const prefix = answers.inEffect('hsm.label_prefix');
  // Without --adopt it is an offer only: what is wrong with the token is met, and told, when the daemon opens it.
  const keys = await errand('keysIn', await loginOf(guide)).catch((error: unknown): readonly FoundKey[] => {
    if (isWanted) throw error;
    return [];
  });
  const published = (await isBlank(directory, keys)) ? await publishedChain(directory) : undefined;
  const isOwn = ({ label }: FoundKey) => label === `${prefix}-a` || label === `${prefix}-b`;
  let why = '';
  const fits = keys.flatMap((key) => {
    const chain = isOwn(key) ? published !== undefined && `${key.chain}${published}` : key.chain;
    if (chain === false || chain === '') return [];
    try {
      return [{ key, leaf: fitting(guide, { ...key, chain }, undefined) }];
    } catch (error) {
      why = ` ${failureOf(error).message}`;
      return [];
    }
  });
  // Where newleaf has left two, DPS trusts the newer leaf.
  for (const { key, leaf } of fits.sort((one, other) => other.leaf.notBefore - one.leaf.notBefore)) {
    const words = `There is a key "${key.label}" with a certificate for ${leaf.cn}, ${inWords(leaf)}: begin with it?`;
    if (dialogue.asks && !(await dialogue.confirm(words, true))) continue;
    return isOwn(key) ? takeOwn(guide, key, leaf) : take(guide, key, leaf, false);
  }
  if (!isWanted) return;
  const message = `The token has no key with a certificate for ${idOf(guide)}.${why}`;
  throw new Fault('NL-TOKEN-KEY', { message, advice: 'Name the right registration ID, or begin without --adopt.' });
}

/** A key that was there before. */
async function take(guide: Guide, { label, id }: FoundKey, leaf: Leaf, isFromFile: boolean): Promise<void> {
  const uri = formatUri({ object: label || undefined, id: Buffer.from(id, 'hex') });
  await begin(guide, leaf, `The gateway begins with the key "${label}", which is never destroyed`, uri, isFromFile);
}

/** A key of newleaf's own. Kept for ever, it would be in the way of each second roll. */
async function takeOwn(guide: Guide, { label }: FoundKey, leaf: Leaf): Promise<void> {
  // It has no leaf, and would go before this one.
  await rm(stateFile(guide.answers.inEffect('state.directory')), { force: true });
  await begin(guide, leaf, `The gateway goes on with its key "${label}", until the next roll`);
}

/** @param uri of a key that is given; without it the key is newleaf's own */
async function begin(guide: Guide, leaf: Leaf, words: string, uri?: string, isKept = true): Promise<void> {
  const { account, answers, dialogue } = guide;
  const file = adoptedFile(answers.inEffect('state.directory'));
  if (isKept) await writeAtomically(file, leaf.chain, 0o644, account);
  // The leaf of an earlier answer, for another key.
  else await rm(file, { force: true });
  answers.set('hsm.key', uri);
  dialogue.ok(`${words}: ${inWords(leaf)}.`);
}

/** No state, or that of a gateway that was given up, or has neither a leaf nor a key yet: nothing is lost with it. */
async function isBlank(directory: string, keys: readonly FoundKey[]): Promise<boolean> {
  if (await isGone(directory)) return true;
  const entry = await readEntry(directory).catch(() => undefined);
  if (entry === 'absent' || entry === undefined) return entry === 'absent';
  const { next } = entry;
  return next === undefined || (next.is === 'key-wanted' && !keys.some(({ id }) => id === next.key.id));
}

const idOf = ({ answers }: Guide): string => answers.inEffect('dps.registration_id');

const fitting = (guide: Guide, { id, spki, chain, label }: FoundKey, other: string | undefined): Leaf =>
  judged(other ?? chain, { slot: 'given', id }, Buffer.from(spki, 'base64'), {
    cn: idOf(guide),
    leaf: other === undefined ? `The certificate of the key "${label}"` : 'The leaf',
    key: `"${label}"`,
  });

const inWords = ({ issuer, notAfter }: Leaf): string => `issued by ${issuer}, valid until ${iso(notAfter)}`;
