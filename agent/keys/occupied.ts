import { isProtected } from '../../hsm/key-pair.ts';
import type { Token } from '../../hsm/token.ts';
import { CODES } from '../failure/failure.ts';

const { advice } = CODES['NL-TOKEN-OCCUPIED'];
const DESTROY = `Left by an earlier newleaf, and needed by nothing: \`newleaf decommission\` shows it, asks, and destroys it; then \`newleaf init\`. Else: ${advice}`;

/**
 * What a person does about an object in the place of the first key of a gateway. Where `decommission` would destroy what is
 * there, after its question, that is the way on.
 */
export async function clearing(token: Pick<Token, 'generations'>, label: string): Promise<string> {
  const there = await token.generations(label);
  const isOurs = there.every(({ id, protection }) => id !== '' && protection !== undefined && isProtected(protection));
  return isOurs ? DESTROY : advice;
}
