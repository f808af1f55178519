import type { Answer, Ask } from '../ask/ask.ts';
import type { DaemonEvent } from '../ask/event.ts';
import { areaOf, type Failure, type FailureDetail, failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { KeyRef, Leaf } from '../roll/leaf.ts';
import type { RollState } from '../roll/state.ts';
import type { Terms } from '../roll/terms.ts';
import { type AnswererOptions, asRequest, refusedBy } from './requests.ts';

type CsrAsk = Extract<Ask, { kind: 'csr' }>;

/** The CSR of the next key. The same key gives the same CSR, until a leaf is installed. */
export async function answerCsr(
  options: AnswererOptions,
  waiting: Waiting,
  { newKey = false, from }: CsrAsk,
): Promise<Answer> {
  const { state, post, ports, report } = options;
  if (report().terms.attestation === 'tpm') return LEAFLESS;
  const isLost = newKey && (await lacksKeyOf(options));
  const asked = { kind: 'csr-asked', newKey, isLost, sameKey: report().terms.keepKey, from } as const;
  const refused = refusedBy(options, await post(asked));
  if (refused !== undefined) return refused;
  const unmade = await made(options, waiting, from);
  if (unmade !== undefined) return { is: unmade.code === 'NL-BUSY' ? 'busy' : 'broken', failure: unmade };
  const { next, workTrouble } = state();
  const key = next?.is === 'key-wanted' ? undefined : next?.key;
  if (key === undefined) {
    // Its slot still holds a key that the token does not destroy.
    const failure = workTrouble?.failure ?? next?.rest?.failure;
    if (failure !== undefined && areaOf(failure) === 'TOKEN') return { is: 'broken', failure };
    return busy({ message: 'The next key cannot be made while other work is in flight.' });
  }
  if (next?.leaf !== undefined) {
    if (next.is !== 'parked') return busy({ message: 'The next leaf is there already, and is being proven.' });
    const message = 'The next leaf is there already, and waits for its enrollment.';
    return busy({ message, advice: 'Enroll it, or drop it: `newleaf roll --discard`' });
  }
  try {
    return { is: 'csr', csr: await ports.keys.csr(key), slot: key.slot, cn: report().registrationId };
  } catch (error) {
    const met = failureOf(error);
    if (met.code === 'NL-TOKEN-POISONED') return poisoned(options, key, met);
    // No leaf has this key yet: another key serves as well, and the advice for the key of a leaf would lead nowhere.
    const advice = 'If it is the right token, the key is lost. Make another: `newleaf csr --new-key`';
    const told = met.code === 'NL-TOKEN-KEY' ? failure(met.code, { ...met, advice, byPerson: undefined }) : met;
    return { is: met.kind === 'refused' ? 'busy' : 'broken', failure: told };
  }
}

/** The module has lost its state: the machine decides whether a new process is to heal it, as for work of its own. */
async function poisoned({ post }: AnswererOptions, key: KeyRef, met: Failure): Promise<Answer> {
  const came = await post({ kind: 'failed', effect: { kind: 'request-leaf', key }, failure: met });
  const told = 'kind' in came || came.event?.kind !== 'failed' ? met : came.event.failure;
  return { is: 'broken', failure: told };
}

/** Whether the key of the last CSR is not in the token. */
async function lacksKeyOf({ state, ports }: AnswererOptions): Promise<boolean> {
  const { next } = state();
  if (next === undefined || next.is === 'key-wanted') return false;
  return ports.keys.csr(next.key).then(
    () => false,
    (error: unknown) => failureOf(error).code === 'NL-TOKEN-KEY',
  );
}

const LEAFLESS: Answer = { is: 'refused', failure: failure('NL-TPM-NO-LEAF') };

const busy = (detail: FailureDetail): Answer => ({ is: 'busy', failure: failure('NL-BUSY', detail) });

/** A little less than `newleaf csr` waits (agent/control/client.ts): a slow token may need minutes for an RSA key. */
const LONGEST_MS = 110_000;
const MOST_WAITING = 16;

/** The requests that wait for the key in the making: all get the same answer. */
export interface Waiting {
  all?: { asked: number; readonly made: Promise<Failure | undefined> };
}

/** Waits until no key is in the making. @returns why there is none */
async function made(options: AnswererOptions, waiting: Waiting, from: CsrAsk['from']): Promise<Failure | undefined> {
  const { state } = options;
  if (!isMaking(state())) return undefined;
  const trouble = state().workTrouble?.failure;
  const hasFailed = trouble !== undefined && areaOf(trouble) === 'TOKEN';
  // The next attempt is minutes away: a method call does not wait that long.
  if (hasFailed && from === 'method') return trouble;
  waiting.all ??= wait(options, waiting);
  const { all } = waiting;
  if (all.asked >= MOST_WAITING) return still();
  all.asked += 1;
  return all.made;
}

function wait(options: AnswererOptions, waiting: Waiting) {
  const { state, changed, clock } = options;
  const over = new AbortController();
  let unsubscribe = (): void => {};
  const heard = new Promise<Failure | undefined>((resolve) => {
    unsubscribe = changed((event) => {
      const failed = unmadeBy(event, state());
      if (failed !== undefined || !isMaking(state())) resolve(failed);
    });
  });
  const late = clock.sleep(LONGEST_MS, over.signal).then(still);
  const first = Promise.race([heard, late]).finally(() => {
    over.abort();
    unsubscribe();
    delete waiting.all;
  });
  return { asked: 0, made: first };
}

const still = (): Failure =>
  failure('NL-BUSY', { message: 'The key is still being made.', advice: 'Ask again: `newleaf csr`.' });

function isMaking({ phase, next }: RollState): boolean {
  if (next === undefined || next.leaf !== undefined || next.for !== 'delivery' || phase === 'stranded') return false;
  // Both places are taken: a person clears one.
  if (next?.rest?.failure.code === 'NL-TOKEN-OCCUPIED') return false;
  return next.is === 'key-wanted' || phase === 'retiring-key';
}

/** The failure of an event that says that no key was made: its place is not free, or the token makes none. */
function unmadeBy(event: DaemonEvent, state: RollState): Failure | undefined {
  if (event.type !== 'failed') return undefined;
  const { effect, code, message, advice } = event;
  const { next, retire, workTrouble } = state;
  const isNeeded = next?.is === 'key-wanted' && retire.some(({ slot }) => slot === next.key.slot);
  const isInTheWay = effect === 'destroy-key' && isMaking(state) && isNeeded;
  if (effect !== 'generate-key' && !isInTheWay) return undefined;
  // The other place is tried. Where it is taken, too, the key rests, and says which one a person can clear.
  if (effect === 'generate-key' && code === 'NL-TOKEN-OCCUPIED') return next?.rest?.failure;
  // Once the token has failed so often, told is what a person can do about it.
  if (isInTheWay && workTrouble?.failure.code === 'NL-TOKEN-OCCUPIED') return workTrouble.failure;
  return failure(code, { message, advice });
}

type InstallAsk = Extract<Ask, { kind: 'install' }>;

/** Verifies a delivered leaf at once, and rolls to it if it is good. */
export async function answerInstall(options: AnswererOptions, ask: InstallAsk): Promise<Answer> {
  const { state, ports, post, report } = options;
  if (report().terms.attestation === 'tpm') return LEAFLESS;
  const known = asRequest(options, ask, 'roll');
  if ('answer' in known) return known.answer;
  const key = expectedKey(state(), report().terms);
  if (key === undefined) {
    const message = 'No leaf is expected: no CSR has been made since the last one.';
    const advice = 'Run `newleaf csr`, and have that one signed.';
    return { is: 'refused', failure: failure('NL-LEAF-KEY', { message, advice }) };
  }
  try {
    const leaf = await ports.judge(ask.delivered, key);
    const message = issuersOf(leaf, state().current);
    const request = { ...known.request, reason: 'delivered' } as const;
    const came = await post({ kind: 'leaf-delivered', leaf, request });
    const { id } = state().request ?? request;
    const accepted = { is: 'accepted', id, thumbprint: leaf.thumbprint, message, phase: state().phase } as const;
    return refusedBy(options, came, request.id) ?? accepted;
  } catch (error) {
    const met = failureOf(error);
    if (met.code !== 'NL-LEAF-NOT-YET') return { is: met.kind === 'refused' ? 'refused' : 'broken', failure: met };
    return { is: 'later', failure: met, retryAfterSeconds: Math.ceil((met.retryAfterMs ?? 0) / 1000) };
  }
}

function issuersOf({ issuer }: Leaf, current: Leaf | undefined): string {
  const before = current?.issuer;
  return `It is issued by ${issuer}${before === undefined || before === issuer ? '' : `; so far by ${before}`}.`;
}

/** The key of the CSR, else that of the current leaf where it is kept. */
function expectedKey({ current, next }: RollState, { keepKey }: Pick<Terms, 'keepKey'>): KeyRef | undefined {
  if (next !== undefined) return next.key;
  return keepKey || current?.key.slot === 'given' ? current?.key : undefined;
}
