import type { Token } from '../../hsm/token.ts';
import { certificatePem } from '../certificate/pem.ts';
import type { KeyRef, Leaf } from '../roll/leaf.ts';
import type { Ports } from '../roll/ports.ts';
import { publishedChain } from '../state/published.ts';

interface Sought {
  readonly token: Pick<Token, 'find' | 'certificates'>;
  readonly judge: Ports['judge'];
  /** Of our two places. */
  readonly labels: readonly string[];
  /** The state directory. */
  readonly directory: string;
}

/**
 * The leaf that is newer than this one, whose key the token has lost: a state from before two rolls was put back, and what lies in
 * our places with a certificate of this gateway is what the lost state called its own.
 */
export async function newerLeaf({ token, judge, labels, directory }: Sought, than: Leaf): Promise<Leaf | undefined> {
  const found: Leaf[] = [];
  for (const label of labels) {
    const leaf = await leafAt(label).catch(() => undefined);
    // Many CAs round to an hour or a day: of two leaves that begin together, the one with a key is the newer.
    if (leaf !== undefined && leaf.notBefore >= than.notBefore) found.push(leaf);
  }
  return found.toSorted((one, other) => other.notBefore - one.notBefore)[0];

  async function leafAt(label: string): Promise<Leaf | undefined> {
    const there = await token.find(label);
    if (there === undefined || there.id === than.key.id) return undefined;
    const beside = (await token.certificates(there.id)).map(certificatePem);
    if (beside.length === 0) return undefined;
    const key: KeyRef = { slot: label.endsWith('-b') ? 'b' : 'a', id: there.id };
    return judge([...beside, await publishedChain(directory)].join(''), key);
  }
}
