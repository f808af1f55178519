import { CODES, type Code } from '../../failure/failure.ts';
import { leafIn, restOf } from '../../roll/candidate.ts';
import type { Leaf } from '../../roll/leaf.ts';
import type { Phase } from '../../roll/phase.ts';
import { WORDS } from '../../roll/report.ts';
import type { RollState } from '../../roll/state.ts';
import type { Running } from '../run/command.ts';
import type { Dialogue } from './dialogue.ts';

export interface DaemonWatch {
  /** The daemon, in this process: `newleaf init` is `newleaf run` with a person who watches. */
  readonly running: Running;
  readonly dialogue: Dialogue;
  readonly registrationId: string;
  readonly stateDirectory: string;
  /** The data that DPS needs of the TPM, to copy; undefined where the gateway has a leaf. */
  readonly endorsement: (() => Promise<string>) | undefined;
  /** A new token was wished for: a key that is not in it is gone, and another one is made. */
  readonly isNewToken: boolean;
  /** Waits for the person who must act, without a limit. */
  readonly isPatient: boolean;
  /** When to wait no longer: for servers, and for a person. */
  readonly late: { readonly forServers: AbortSignal; readonly forPerson: AbortSignal };
  /** Ctrl-C. */
  readonly abort: AbortSignal;
}

export const serves = ({ phase, online }: RollState): boolean => phase === 'serving' && online !== undefined;

/** Whether the gateway waits for a person: DPS refuses its leaf, or every automatic way was refused. */
export const waits = ({ phase, next }: Pick<RollState, 'phase' | 'next'>): boolean =>
  (phase === 'stranded' || restOf(next) !== undefined) && phase !== 'registering-next' && phase !== 'requesting-leaf';

/** The leaf that DPS refuses, where the gateway waits for its enrollment. */
export function refusedLeaf(state: RollState): Leaf | undefined {
  return waits(state) ? (leafIn(state.next) ?? state.current) : undefined;
}

/** An event of daemon/events.ts. */
interface DaemonEvent {
  readonly type?: string;
  readonly to?: Phase;
  readonly code?: Code;
  readonly message?: string;
}

/**
 * Whether waiting is over: it serves, a person is needed, or the failure will not mend itself.
 * @param mended the failure that work in flight mends
 */
export function isAtRest(state: RollState, { type, code }: DaemonEvent = {}, mended?: Code): boolean {
  const isBroken = type === 'failed' && code !== undefined && code !== mended && CODES[code].kind === 'broken';
  return serves(state) || waits(state) || isBroken;
}

/** Resolves when the daemon is at rest, when it ends, when the person stops it, or when it is late. */
export function untilAtRest({ running, abort }: DaemonWatch, late: AbortSignal, mended?: Code): Promise<RollState> {
  const { daemon, ended } = running;
  const over = AbortSignal.any([abort, late]);
  return new Promise((resolve, reject) => {
    const finish = () => {
      unsubscribe();
      over.removeEventListener('abort', finish);
      resolve(daemon.state);
    };
    const unsubscribe = daemon.subscribe((event: DaemonEvent) => {
      if (isAtRest(daemon.state, event, mended)) finish();
    });
    over.addEventListener('abort', finish, { once: true });
    ended.then(finish, reject);
    if (over.aborted || isAtRest(daemon.state)) finish();
  });
}

const TRIES = 'newleaf tries again by itself. Where an answer was wrong: Ctrl-C, then `sudo newleaf init --ask`';

/** Phases that end by themselves, or with the leaf that a person brings. */
const AT_WORK: readonly Phase[] = [
  'unprovisioned',
  'generating-key',
  'requesting-leaf',
  'registering-next',
  'connecting-next',
  'registering',
  'retiring-key',
  'abandoning',
];

/**
 * Prints the events, each line with the time since the beginning.
 * @param before the phase that an earlier run has left: the daemon goes on with it, without an event
 * @returns what ends it
 */
export function tellAll({ running, dialogue }: DaemonWatch, before: Phase | undefined): () => void {
  if (before !== undefined && before === running.daemon.state.phase && AT_WORK.includes(before))
    dialogue.step(0, '..', WORDS[before]);
  const from = performance.now();
  let isFirst = true;
  return running.daemon.subscribe((event: DaemonEvent) => {
    const tookMs = performance.now() - from;
    if (event.type === 'transition' && event.to !== undefined) dialogue.step(tookMs, '..', WORDS[event.to]);
    if (event.type !== 'failed') return;
    dialogue.step(tookMs, '!!', `${event.code} ${event.message}`);
    if (isFirst && dialogue.asks && !isAtRest(running.daemon.state, event)) dialogue.hint(TRIES);
    isFirst = false;
  });
}
