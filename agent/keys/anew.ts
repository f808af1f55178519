import type { Token } from '../../hsm/token.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { Ports } from '../roll/ports.ts';

/** @param rehearsed opens the token in a new process, and makes a handshake with this key and chain (hsm/anew.ts) */
export const opensAnew =
  (
    token: Pick<Token, 'findById' | 'sign'>,
    rehearsed: (shown: { readonly id: string; readonly chain: string }) => Promise<void>,
  ): Ports['opensAnew'] =>
  async ({ key: { id }, chain }) => {
    const met = await rehearsed({ id, chain }).then(() => undefined, failureOf);
    const isHere = met?.code === 'NL-TOKEN-KEY' && (await signs(token, id));
    return isHere ? { ...met, code: 'NL-TOKEN-FAILED' } : met;
  };

async function signs(token: Pick<Token, 'findById' | 'sign'>, id: string): Promise<boolean> {
  try {
    const key = await token.findById(id);
    if (key !== undefined) await token.sign(key, Buffer.from(id));
    return key !== undefined;
  } catch {
    return false;
  }
}
