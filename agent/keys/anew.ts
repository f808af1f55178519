import type { Token } from '../../hsm/token.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { Ports } from '../roll/ports.ts';

/** @param rehearsed opens the token in a new process, and makes a handshake with this key and chain (hsm/anew.ts) */
export const opensAnew =
  (
    token: Pick<Token, 'findById'>,
    rehearsed: (shown: { readonly id: string; readonly chain: string }) => Promise<void>,
  ): Ports['opensAnew'] =>
  async ({ key: { id }, chain }) => {
    // Lost before this process has ever seen it: then only a new key helps, and perhaps only a new process can make it.
    const isLost = await token.findById(id).then(
      (key) => key === undefined,
      () => false,
    );
    return isLost ? undefined : rehearsed({ id, chain }).then(() => undefined, failureOf);
  };
