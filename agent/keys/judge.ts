import { X509Certificate } from 'node:crypto';
import type { Token } from '../../hsm/token.ts';
import type { Path } from '../certificate/chain.ts';
import { unaccepted } from '../certificate/openssl.ts';
import { certificatePem, isReadable, toPem } from '../certificate/pem.ts';
import { chainOf, type Verified, verify } from '../certificate/verify.ts';
import type { Fault } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
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

/** Shows a leaf to OpenSSL (hsm/token-apart.ts); its chain and the topmost certificate are PEM. */
type Openssl = (shown: Readonly<Record<'id' | 'chain' | 'anchor', string>>) => Promise<string | undefined>;

/**
 * Judges leaves against the key in the token.
 * @param renewAt refuses a leaf that is already due by it
 * @param openssl judges the chain; a leaf that serves already is not shown to it
 */
export function createJudge(options: JudgeOptions, renewAt: RenewAt, openssl?: Openssl): Ports['judge'] {
  const { token, registrationId, current, now, early, log } = options;
  return async (delivered: string | Uint8Array, key: KeyRef): Promise<Leaf> => {
    const { spki } = await publicKeyOf(token, key);
    const chain = typeof delivered === 'string' ? delivered : await toPem(delivered);
    const before = current();
    const verified = early.watch(chain, () =>
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
    const { leaf, notes, paths } = verified;
    const good = openssl === undefined ? paths : await acceptedOf(openssl, verified, log);
    for (const message of notes) log.info({ event: 'leaf-noted', thumbprint: leaf.thumbprint, message });
    const [first = leaf.chain, ...otherChains] = new Set(good.map(chainOf));
    return { ...leaf, chain: first, ...(otherChains.length > 0 && { otherChains }) };
  };
}

/**
 * The ways up that OpenSSL accepts. A token that does not sign, or a process that ends, says nothing about the chain. An issued
 * leaf is not lost by that: DPS is shown it next, and meets the same fault.
 * @throws Fault NL-LEAF-CHAIN, NL-LEAF-EKU where it accepts none
 */
async function acceptedOf(openssl: Openssl, { leaf, paths }: Verified, log: Log): Promise<readonly Path[]> {
  const accepted: Path[] = [];
  let refusal: Fault | undefined;
  // A module that hangs is waited for once, and not once for each way up.
  let isJudging = true;
  for (const path of paths) {
    const anchor = path.slice(-1).map(({ raw }) => certificatePem(raw));
    const shown = { id: leaf.key.id, chain: chainOf(path), anchor: anchor.join('') };
    const asked = isJudging ? openssl(shown) : undefined;
    const code = await asked?.catch((error: unknown) => {
      isJudging = false;
      log.warn({ event: 'chain-unjudged', ...failureFields(failureOf(error)) });
    });
    const no = code && unaccepted(code, path);
    if (no) refusal ??= no;
    else accepted.push(path);
  }
  if (refusal !== undefined && accepted.length === 0) throw refusal;
  return accepted;
}

const DAMAGED = 'adopted.pem in state.directory, the leaf that init has taken over, is damaged: it counts as none.';

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
  const known = adopted !== undefined && isReadable(adopted) ? adopted : undefined;
  if (known !== adopted) log.warn({ event: 'adopted-leaf-damaged', message: DAMAGED });
  if (uri === undefined) return known === undefined ? undefined : ownLeaf(token, known, judge);
  const { id } = await token.findByUri(uri);
  const chain = known ?? (await token.certificates(id)).map(certificatePem).join('');
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
