import type { Happened } from './perform.ts';
import type { Advance } from './roll/advance.ts';
import { type Failure, failure } from './roll/failure.ts';
import type { Answer, Answerer, Ask, Keys } from './roll/ports.ts';
import { type ReportOptions, statusOf } from './roll/report.ts';
import { keyOf } from './roll/settle.ts';
import type { Request, RollState } from './roll/state.ts';
import { failureOf } from './thrown.ts';

export interface AnswererOptions {
  readonly state: () => RollState;
  readonly report: () => ReportOptions;
  /** Hands an event to the loop; resolves once what came of it is on disk, or with why it is not. */
  readonly post: (event: Happened) => Promise<Advance | Failure>;
  readonly hurry: () => void;
  readonly changed: (listener: () => void) => () => void;
  readonly keys: Pick<Keys, 'csr'>;
  readonly draw: () => number;
}

/** Answers direct methods and the control socket alike: at once, before the work that is asked for. */
export function createAnswerer(options: AnswererOptions): Answerer {
  return async (ask) => {
    switch (ask.kind) {
      case 'status':
        return { status: 200, body: statusOf(options.state(), options.report()) };
      case 'csr':
        return csr(options, ask.newKey ?? false);
      default:
        return request(options, ask);
    }
  };
}

type RequestAsk = Extract<Ask, { kind: 're-register' | 'roll' }>;

async function request(options: AnswererOptions, ask: RequestAsk): Promise<Answer> {
  const { state, report, post, hurry, draw } = options;
  const now = report().now;
  const id = ask.id ?? `${now.toString(36)}-${Math.floor(draw() * 36 ** 4).toString(36)}`;
  const before = known(id, options);
  if (before !== undefined) return before;
  const asked: Request = { id, action: ask.kind, reason: 'asked', from: ask.from, at: now };
  const came = await post({ kind: 'asked', request: asked, delayMs: ask.delayMs, discard: ask.discard ?? false });
  if ('kind' in came) return refusal(500, came);
  const { decision } = came;
  if (decision?.action !== 'ignore') return { status: 202, body: { id, phase: state().phase } };
  // The same call twice at the same time: the other one has been taken since.
  const twin = known(id, options);
  if (twin !== undefined) return twin;
  if (decision.rule === 'person') return refusal(409, failure('NL-ISSUER-PERSON'));
  if (decision.untilMs !== undefined) {
    const retryAfterSeconds = Math.max(1, Math.ceil((decision.untilMs - now) / 1000));
    return {
      status: 429,
      body: { retryAfterSeconds, ...refusal(429, failure('NL-BUDGET', { message: sentenceOf(decision.why) })).body },
    };
  }
  if (ask.from === 'technician') hurry();
  const busy = state().request ?? state().scheduled;
  return { status: 409, body: { id: busy?.id, ...refusal(409, failure('NL-BUSY')).body } };
}

/** What there is to say of a request that was asked before: how it ended, or that it is in flight. */
function known(id: string, { state, report }: AnswererOptions): Answer | undefined {
  const ended = statusOf(state(), report()).outcomes.find((outcome) => outcome.id === id);
  if (ended !== undefined) return { status: 200, body: ended };
  const { request: inFlight, scheduled, phase } = state();
  return inFlight?.id === id || scheduled?.id === id ? { status: 202, body: { id, phase } } : undefined;
}

const sentenceOf = (why: string) => `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;

function refusal(status: number, { code, message, advice }: Failure): Answer {
  return { status, body: { code, message, advice } };
}

/** The CSR of the next key. Asking again gives the CSR of the same key, until a leaf is installed. */
async function csr(options: AnswererOptions, newKey: boolean): Promise<Answer> {
  const { state, post, keys, report } = options;
  const came = await post({ kind: 'csr-asked', newKey });
  if ('kind' in came) return refusal(500, came);
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
    return refusal(500, failureOf(error));
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
