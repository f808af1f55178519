import { isProtected } from '../../hsm/key-pair.ts';
import type { Token } from '../../hsm/token.ts';
import { CODES } from '../failure/failure.ts';
import { certificatePem } from '../issuer/pem.ts';
import { verify } from '../issuer/verify.ts';
import { publishedChain } from '../state/published.ts';

const { advice } = CODES['NL-TOKEN-OCCUPIED'];
const DESTROY = `Left by an earlier newleaf, and needed by nothing: \`newleaf decommission\` shows it, asks, and destroys it; then \`newleaf init\`. Else: ${advice}`;
const ADOPT =
  'It has a valid leaf for this gateway, so the state of this gateway was lost. To go on with this leaf: `systemctl stop newleaf`, `newleaf init --adopt token --yes`, `systemctl start newleaf`';

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
export async function clearing(options: Clearing, label: string): Promise<string> {
  if (await hasLeaf(options, label)) return ADOPT;
  const there = await options.token.generations(label);
  const isOurs = there.every(({ id, protection }) => id !== '' && protection !== undefined && isProtected(protection));
  return isOurs ? DESTROY : advice;
}

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
