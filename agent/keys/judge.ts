import { X509Certificate } from 'node:crypto';
import type { Token } from '../../hsm/token.ts';
import { certificatePem, toPem } from '../certificate/pem.ts';
import { verify } from '../certificate/verify.ts';
import type { Log } from '../machine/log.ts';
import type { KeyRef, Leaf } from '../roll/leaf.ts';
import type { Ports } from '../roll/ports.ts';
import { dueAt, fittingRenewal, type RenewAt } from '../roll/terms.ts';
import type { EarlyChain } from './early-chain.ts';
import { publicKeyOf } from './slots.ts';

interface JudgeOptions {
  readonly token: Token;
  readonly registrationId: string;
  readonly current: () => Leaf | undefined;
  readonly now: () => number;
  readonly early: EarlyChain;
  readonly log: Log;
}

/** Judges leaves against the key in the token. @param renewAt refuses a leaf that is already due by it */
export function createJudge(options: JudgeOptions, renewAt: RenewAt): Ports['judge'] {
  const { token, registrationId, current, now, early, log } = options;
  return async (delivered: string | Uint8Array, key: KeyRef): Promise<Leaf> => {
    const { spki } = await publicKeyOf(token, key);
    const chain = typeof delivered === 'string' ? delivered : await toPem(delivered);
    const before = current();
    const { leaf, notes } = early.watch(chain, () =>
      verify(chain, {
        key,
        spki,
        cn: registrationId,
        now: now(),
        renewAt: (one) => dueAt(one, renewAt),
        fitting: fittingRenewal,
        ...(before && { currentNotAfter: before.notAfter, currentChain: before.chain }),
      }),
    );
    for (const message of notes) log.info({ event: 'leaf-noted', thumbprint: leaf.thumbprint, message });
    return leaf;
  };
}

/**
 * The leaf to begin with: of the key that `hsm.key` names, the certificate object with the same CKA_ID; or the leaf that init
 * has taken over, whose key is in the token or was brought there from a file.
 */
export async function givenLeaf(
  options: JudgeOptions,
  uri: string | undefined,
  adopted: string | undefined,
): Promise<Leaf | undefined> {
  const { token, log } = options;
  // A factory leaf lives for years, and the gateway may have been in store: one that is due serves until it is renewed.
  const judge = createJudge(options, 'off');
  if (uri === undefined) return adopted === undefined ? undefined : ownLeaf(token, adopted, judge);
  const { id } = await token.findByUri(uri);
  const chain = adopted ?? (await token.certificates(id)).map(certificatePem).join('');
  if (chain !== '') return judge(chain, { slot: 'given', id });
  const message = 'The key named by hsm.key has no certificate beside it in the token: newleaf makes a key of its own.';
  log.warn({ event: 'given-key-without-leaf', message });
  return undefined;
}

/**
 * With a key under a label of ours: one that init has put into slot a, or that newleaf has made before its state was lost, and a
 * person has agreed to. It is ours there, and is destroyed after the roll that replaces it. Undefined where that has been done.
 */
async function ownLeaf(token: Token, chain: string, judge: Ports['judge']): Promise<Leaf | undefined> {
  const spki = new X509Certificate(chain).publicKey.export({ type: 'spki', format: 'der' });
  const found = (await token.usable()).find((key) => key.spki.equals(spki));
  return found && judge(chain, { slot: found.label.endsWith('-b') ? 'b' : 'a', id: found.id });
}
