import { type AnswererOptions, named, refusal, refusedBy } from './answer.ts';
import { failure } from './roll/failure.ts';
import type { KeyRef } from './roll/leaf.ts';
import type { Answer, Ask } from './roll/ports.ts';
import { keyOf } from './roll/settle.ts';
import type { RollState } from './roll/state.ts';
import { failureOf } from './thrown.ts';

type CsrAsk = Extract<Ask, { kind: 'csr' }>;

/** The CSR of the next key. Asking again gives the CSR of the same key, until a leaf is installed. */
export async function csr(options: AnswererOptions, { newKey = false, from }: CsrAsk): Promise<Answer> {
  const { state, post, keys, report } = options;
  if (report().terms.attestation === 'tpm') return refusal(400, failure('NL-TPM-NO-LEAF'));
  const refused = refusedBy(options, await post({ kind: 'csr-asked', newKey, from }));
  if (refused !== undefined) return refused;
  await made(options);
  const { next } = state();
  const key = next && keyOf(next);
  if (next === undefined || key === undefined) {
    return refusal(409, failure('NL-BUSY', { message: 'The next key cannot be made while other work is in flight.' }));
  }
  if (next.leaf !== undefined) {
    const message = 'The next leaf is there already, and waits for its enrollment.';
    return refusal(409, failure('NL-BUSY', { message, advice: 'Enroll it, or drop it: newleaf roll --discard' }));
  }
  try {
    return { status: 200, body: { csr: await keys.csr(key), slot: key.slot, cn: report().registrationId } };
  } catch (error) {
    const met = failureOf(error);
    return refusal(met.kind === 'refused' ? 409 : 500, met);
  }
}

/** Resolves when no key is being made any more. */
function made({ state, changed }: AnswererOptions): Promise<void> {
  const isMaking = () => {
    const { phase, next } = state();
    return next?.waiting === true && (next.id === undefined || phase === 'retiring-key') && phase !== 'stranded';
  };
  return new Promise((resolve) => {
    const look = () => {
      if (isMaking()) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = changed(look);
    look();
  });
}

type InstallAsk = Extract<Ask, { kind: 'install' }>;

/** A leaf that somebody brings is verified at once, and rolled to if it is good. */
export async function install(options: AnswererOptions, ask: InstallAsk): Promise<Answer> {
  const { state, judge, keepKey, post, report } = options;
  if (report().terms.attestation === 'tpm') return refusal(400, failure('NL-TPM-NO-LEAF'));
  const known = named(options, ask, 'roll');
  if ('answer' in known) return known.answer;
  const key = expectedKey(state(), keepKey);
  if (key === undefined) {
    const message = 'No leaf is expected: no CSR has been made since the last one.';
    return refusal(400, failure('NL-LEAF-KEY', { message, advice: 'Run `newleaf csr`, and have that one signed.' }));
  }
  try {
    const leaf = await judge(ask.delivered, key);
    const request = { ...known.request, reason: 'delivered' } as const;
    const came = await post({ kind: 'leaf-delivered', leaf, request });
    const { id } = state().request ?? request;
    return (
      refusedBy(options, came, request.id) ?? {
        status: 202,
        body: { id, thumbprint: leaf.thumbprint, phase: state().phase },
      }
    );
  } catch (error) {
    const met = failureOf(error);
    if (met.code !== 'NL-LEAF-NOT-YET') return refusal(met.kind === 'refused' ? 400 : 500, met);
    const retryAfterSeconds = Math.ceil((met.retryAfterMs ?? 0) / 1000);
    return { status: 409, body: { retryAfterSeconds, ...refusal(409, met).body } };
  }
}

/** The key that a CSR was made for, else that of the current leaf where it is kept. */
function expectedKey({ current, next }: RollState, keepKey: boolean): KeyRef | undefined {
  if (next !== undefined) return keyOf(next);
  return keepKey || current?.key.slot === 'given' ? current?.key : undefined;
}
