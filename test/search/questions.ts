import type { Code } from '../../agent/failure/failure.ts';
import { failureOf } from '../../agent/failure/failure-of.ts';
import { lacksKey } from '../../agent/roll/look.ts';
import type { Ports } from '../../agent/roll/ports.ts';
import type { World } from './world.ts';

/** What a gateway asks again and again until the answer is a good one. */
export type Asked = 'register' | 'connect' | 'sign' | 'issue' | 'make';

/** A question to the outside, and its answer. */
export interface Question {
  readonly asked: Asked;
  /** The thumbprint of the leaf, or the ID of the key; a key that is to be made has its slot as well. */
  readonly about: string;
  readonly process: number;
  /** When it was asked, on the monotonic clock. */
  readonly from: number;
  /** When it was answered, on the monotonic clock; undefined while it is not. */
  until?: number;
  answer?: 'accepted' | Code;
  retryAfterMs?: number;
  /** A session was open then, and its leaf valid. */
  isServing?: boolean;
  /** What the current leaf had left then, in milliseconds; undefined without one, or where it had ended. */
  leftMs?: number | undefined;
  /** The disk did not take everything then. */
  readonly isUnkept: boolean;
}

/** The ports of one process, whose questions are noted; those that newleaf itself has ended stay without an answer. */
export function noted(ports: Ports, world: World, process: number): Ports {
  const { clock, current } = world.options;
  const begun = clock.monotonic();
  const note = (asked: Asked, about: string): Question => {
    const isUnkept = world.faults.disk !== undefined;
    const question: Question = { asked, about, process, from: clock.monotonic(), isUnkept };
    if (question.from < begun + START_MS && world.process === process) sessionFirst(world, question);
    // What a process that is gone still wants is not asked.
    if (world.process === process) world.questions.push(question);
    return question;
  };
  const answered = (question: Question, answer: 'accepted' | Code, retryAfterMs?: number) => {
    const left = (current()?.notAfter ?? 0) - clock.now();
    const leftMs = left > 0 ? left : undefined;
    const isServing = world.session !== undefined && leftMs !== undefined;
    const said = { answer, isServing, leftMs, ...(retryAfterMs && { retryAfterMs }) };
    Object.assign(question, { until: clock.monotonic(), ...said });
  };
  async function hear<T>(question: Question, answer: Promise<T>, abort?: AbortSignal): Promise<T> {
    try {
      const good = await answer;
      answered(question, 'accepted');
      return good;
    } catch (error) {
      const { code, retryAfterMs } = failureOf(error);
      if (abort?.aborted !== true) answered(question, code, retryAfterMs);
      throw error;
    }
  }
  let key = '';
  let issue: Question | undefined;
  const { keys, issuer, judge, dps, hub } = ports;
  return {
    ...ports,
    keys: {
      ...keys,
      generate: (slot, id) => hear(note('make', `${slot} ${id}`), keys.generate(slot, id)),
      csr: (one) => {
        key = one.id;
        return hear(note('sign', key), keys.csr(one));
      },
    },
    issuer: {
      issue: (csr, abort) => {
        issue = note('issue', key);
        return hear(issue, issuer.issue(csr, abort), abort);
      },
    },
    judge: async (delivered, one) => {
      // What the issuer gave is judged at once; what a person brings comes as bytes.
      if (typeof delivered !== 'string' || issue === undefined) return judge(delivered, one);
      return hear(issue, judge(delivered, one));
    },
    dps: {
      ...dps,
      register: (leaf, abort) => hear(note('register', leaf.thumbprint), dps.register(leaf, abort), abort),
    },
    hub: {
      ...hub,
      connect: (leaf, assignment, abort) => {
        pinned(world, leaf.thumbprint);
        return hear(note('connect', leaf.thumbprint), hub.connect(leaf, assignment, abort), abort);
      },
    },
  };
}

/** The work of a start waits so long for the session. */
const START_MS = 60_000;

/**
 * What serves goes first: after a start, no work stands before the session with the current leaf, as the token may hang in it. Not
 * where no session is to come: that leaf has ended or no hub, the hub refuses it, or its key is lost.
 */
function sessionFirst({ options, questions }: World, { asked, about, process }: Question): void {
  const state = options.state();
  const { current, assignment, online } = state;
  const isWork = asked === 'make' || asked === 'register' || (asked === 'connect' && about !== current?.thumbprint);
  if (!isWork || current === undefined || current.notAfter <= options.clock.now()) return;
  if (assignment === undefined || state.rejected || online !== undefined || lacksKey(state)) return;
  const ofCurrent = questions.filter((one) => one.process === process && one.about === current.thumbprint);
  if (ofCurrent.some(({ answer }) => answer === 'NL-HUB-REJECTED')) return;
  options.broken(`a start asks "${asked}" before the session with the current leaf`);
}

/**
 * Registered last wins: DPS trusts the leaf that it has accepted last, so a candidate connects only where that is its own
 * registration. A disk that takes nothing, and an older state, make a gateway forget what it has registered.
 */
function pinned(world: World, thumbprint: string): void {
  const { options, azure, accepted, isForgetful } = world;
  const isCurrent = options.state().current?.thumbprint === thumbprint;
  if (isCurrent || azure !== undefined || isForgetful || accepted === thumbprint) return;
  options.broken(`a candidate connects, and DPS has accepted another leaf since: ${thumbprint} after ${accepted}`);
}
