import { X509Certificate } from 'node:crypto';
import { TokenError } from '../../../hsm/ckr.ts';
import { importedId } from '../../../hsm/import-key.ts';
import { isProtected } from '../../../hsm/key-pair.ts';
import type { Generation, Token } from '../../../hsm/token.ts';
import { onboardingLabel } from '../../config/instance.ts';
import { foreign } from '../../failure/foreign.ts';

interface KeysOptions {
  readonly cn: string;
  readonly adopted?: string | undefined;
  /** CKA_IDs of the journal; absent where it cannot be read. */
  readonly known?: readonly string[] | undefined;
  /** CKA_IDs that a person has named. */
  readonly named?: readonly string[];
  readonly setting?: string;
}

/**
 * The objects that newleaf has made in the token: those that its journal names, as `hsm.label_prefix` may have been changed since,
 * and those with our labels and a certificate of our name; where the journal is damaged, or removed already, with our labels alone,
 * but not with another name. Settings that were copied for another device have the same labels, so a key there that only a label
 * tells of stays until a person names it. Nor goes a key of another label that shares the CKA_ID of ours.
 * @param cn the registration ID
 * @param given `hsm.key`, or where Azure issues the leaves `onboarding.key`; `setting` is its name
 * @param adopted the chain that init has taken over: its key was brought into the token by newleaf
 * @returns own: exactly what hsm/destroy.ts destroys, label and CKA_ID (lower-case hex) together; kept: why an object with our
 * label, or one that we use, stays; theirs: the label of the key that `given` names, unless init has made it
 * @throws TokenError, also where several keys match `given`: one of them must not be destroyed
 */
export async function keysIn(
  token: Token,
  prefix: string,
  given: string | undefined,
  { cn, adopted, known: read, named: meant = [], setting = 'hsm.key' }: KeysOptions,
) {
  const made = onboardingLabel(prefix);
  const named = given === undefined ? undefined : await givenKey(token, given);
  const theirs = named?.label === made ? undefined : named;
  const imported = adopted === undefined ? undefined : importedId(new X509Certificate(adopted).publicKey);
  const own: { readonly label: string; readonly id: string }[] = [];
  const kept = theirs === undefined ? [] : [{ label: theirs.label, why: `it was there before newleaf (${setting})` }];
  const labels = [`${prefix}-a`, `${prefix}-b`, made];
  const known = [...(read ?? []), ...meant];
  const recorded = known.length === 0 ? [] : (await token.usable()).filter(({ id }) => known.includes(id));
  const isElsewhere = ({ label }: { readonly label: string }) => !labels.includes(label);
  const elsewhere = recorded.filter(isElsewhere).map(({ label }) => label);
  const isTwice = (id: string) => recorded.filter((key) => key.id === id).length > 1;
  for (const label of [...labels, ...new Set(elsewhere)]) {
    for (const generation of await token.generations(label)) {
      const { id } = generation;
      if (id === theirs?.id || (isElsewhere({ label }) && !known.includes(id))) continue;
      const isKnown = known.includes(id) || id === imported;
      const names = isKnown ? [cn] : await namesBeside(token, id);
      const isOfUs = names.includes(cn);
      if (isElsewhere({ label }) && isTwice(id)) kept.push({ label, why: TWICE });
      else if (!isOfUs && names[0] !== undefined) kept.push({ label, why: `its certificate is that of ${names[0]}` });
      else if (!isOfUs && read !== undefined && label !== made && id !== '') kept.push({ label, why: unnamed(id) });
      else if (id === imported || isOwn(generation)) own.push({ label, id });
      else kept.push({ label, why: 'newleaf did not make it: the token does not vouch that it was never readable' });
    }
  }
  return { own, kept, theirs: theirs?.label };
}

const TWICE = "it shares its CKA_ID with another key, and its label is none of newleaf's (hsm.label_prefix)";

const unnamed = (id: string) =>
  `the records of this gateway do not name it. If it is one of its keys all the same: \`newleaf decommission --key-id ${id}\``;

/** Not by `toLegacyObject`, as commonNamesOf: Node 20.20 would then do no TLS, and send no last messages. */
const namesBeside = async (token: Token, id: string): Promise<readonly string[]> =>
  (id === '' ? [] : await token.certificates(id)).flatMap(namesIn);

function namesIn(der: Uint8Array): readonly string[] {
  try {
    return [...new X509Certificate(der).subject.matchAll(/^CN=(.+)$/gm)].map(([, name = '']) => foreign(name));
  } catch {
    // No certificate says nothing of whose key it is.
    return [];
  }
}

async function givenKey(token: Token, uri: string) {
  try {
    return await token.findByUri(uri);
  } catch (error) {
    if (error instanceof TokenError && error.code === 'KEY_NOT_FOUND') return undefined;
    throw error;
  }
}

/** The same judgement as keys/slots.ts makes in a slot. Half a key pair, left by a power cut, has no private key to judge. */
function isOwn({ id, protection }: Generation): boolean {
  return id !== '' && (protection === undefined || isProtected(protection));
}
