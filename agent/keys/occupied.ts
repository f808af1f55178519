import { isProtected } from '../../hsm/key-pair.ts';
import type { Token } from '../../hsm/token.ts';
import { certificatePem } from '../certificate/pem.ts';
import { verify } from '../certificate/verify.ts';
import { type Advice, inBoth, whole } from '../failure/advice.ts';
import { CODES } from '../failure/failure.ts';
import { publishedChain } from '../state/published.ts';

const STAYS: Advice = CODES['NL-TOKEN-OCCUPIED'];
const DESTROY = inBoth(
  STAYS,
  (advice) =>
    `Left by an earlier newleaf, and needed by nothing: \`newleaf decommission\` shows it, asks, and destroys it; then \`newleaf init\`. Else: ${advice}`,
);
const ADOPT = whole(
  'It has a valid leaf for this gateway, so the state of this gateway was lost. To go on with this leaf: `systemctl stop newleaf`, `newleaf init --adopt token --yes`, `systemctl start newleaf`. To begin anew instead: `newleaf decommission` shows it, asks, and destroys it; then `newleaf init`',
);

interface Clearing {
  readonly token: Pick<Token, 'generations' | 'find' | 'certificates'>;
  /** The CN of its leaves. */
  readonly registrationId: string;
  /** The state directory. */
  readonly directory: string;
  readonly now: number;
}

/**
 * What a person does about an object in the place of the first key of a gateway. A key with a leaf is not given up. Where
 * `decommission` would destroy what is there, after its question, that is the way on.
 */
export async function clearing(options: Clearing, label: string): Promise<Advice> {
  if (await hasLeaf(options, label)) return ADOPT;
  const there = await options.token.generations(label);
  const isOurs = there.every(({ id, protection }) => id !== '' && protection !== undefined && isProtected(protection));
  return isOurs ? DESTROY : STAYS;
}

/**
 * A generation in a place of ours that the records of newleaf do not know.
 * @param known CKA_IDs; read once the token has answered
 */
export async function strangerIn(
  token: Pick<Token, 'generations'>,
  labels: readonly string[],
  known: () => readonly string[],
): Promise<{ readonly label: string; readonly message: string } | undefined> {
  for (const label of labels) {
    const there = await token.generations(label);
    const stranger = there.find(({ id }) => !known().includes(id));
    if (stranger === undefined) continue;
    const message = `${label} holds a key, and the records of newleaf do not say that newleaf made it (CKA_ID ${stranger.id}): the next roll to this slot stops there.`;
    return { label, message };
  }
  return undefined;
}

/** The labels of our two places. */
export const labelsOf = (prefix: string): readonly string[] => ['a', 'b'].map((slot) => `${prefix}-${slot}`);

async function hasLeaf({ token, registrationId: cn, directory, now }: Clearing, label: string): Promise<boolean> {
  try {
    const found = await token.find(label);
    if (found === undefined) return false;
    const { id, spki } = found;
    const beside = (await token.certificates(id)).map(certificatePem);
    const chain = [...beside, await publishedChain(directory)].join('');
    verify(chain, { key: { slot: 'a', id }, spki, cn, now, renewAt: () => undefined });
    return true;
  } catch {
    return false;
  }
}
