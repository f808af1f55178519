import { once } from 'node:events';
import type { DaemonEvent } from '../../ask/event.ts';
import type { Config } from '../../config/config.ts';
import { CODES, type Code } from '../../failure/failure.ts';
import type { Phase } from '../../roll/phase.ts';
import { WORDS } from '../../roll/report.ts';
import type { RollState } from '../../roll/state.ts';
import type { Running } from '../run/command.ts';
import type { Dialogue } from './dialogue.ts';

export interface DaemonWatch {
  /** The daemon, in this process: `newleaf init` is `newleaf run` with a person who watches. */
  readonly running: Running;
  readonly dialogue: Dialogue;
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** A new token was wished for: a key that is not in it is gone, and another one is made. */
  readonly isNewToken: boolean;
  /** Waits for the person who must act, without a limit. */
  readonly isPatient: boolean;
  /** When to wait no longer: for servers; and for a person, who gets the same time where init is not patient. */
  readonly late: { readonly forServers: AbortSignal; readonly forPerson: AbortSignal };
  readonly abort: AbortSignal;
}

export const serves = ({ phase, online }: RollState): boolean => phase === 'serving' && online !== undefined;

/** Whether the gateway waits for a person: DPS refuses its leaf, or every automatic way was refused. */
export const waits = ({ phase, next }: Pick<RollState, 'phase' | 'next'>): boolean =>
  (phase === 'stranded' || next?.rest !== undefined) && phase !== 'registering-next' && phase !== 'requesting-leaf';

/**
 * Whether waiting is over: it serves, a person is needed, or the failure will not mend itself.
 * @param mended the failure that work in flight mends
 */
export function isAtRest(state: RollState, event?: DaemonEvent, mended?: Code): boolean {
  const isBroken = event?.type === 'failed' && event.code !== mended && CODES[event.code].kind === 'broken';
  return serves(state) || waits(state) || isBroken;
}

/** Resolves when the daemon is at rest, when it ends, when the person stops it, or when it is late. */
export async function untilAtRest({ running, abort }: DaemonWatch, late: AbortSignal, mended?: Code) {
  const { daemon, ended } = running;
  const rest = new AbortController();
  const unsubscribe = daemon.subscribe((event) => {
    if (isAtRest(daemon.state, event, mended)) rest.abort();
  });
  const over = AbortSignal.any([abort, late, rest.signal]);
  try {
    if (!over.aborted && !isAtRest(daemon.state)) await Promise.race([once(over, 'abort'), ended]);
    return daemon.state;
  } finally {
    unsubscribe();
  }
}

const TRIES = 'newleaf tries again by itself. Where an answer was wrong: Ctrl-C, then `newleaf init --ask`';

/**
 * Prints the events, each line with the time since the beginning.
 * @param before the phase that an earlier run has left: the daemon goes on with it, without an event
 */
export function tellAll({ running, dialogue }: DaemonWatch, before: Phase | undefined): () => void {
  const isSame = before !== undefined && before === running.daemon.state.phase;
  if (isSame && before !== 'serving' && before !== 'stranded') dialogue.step(0, '..', WORDS[before]);
  const from = performance.now();
  let isFirst = true;
  return running.daemon.subscribe((event) => {
    const tookMs = performance.now() - from;
    if (event.type === 'transition') dialogue.step(tookMs, '..', WORDS[event.to]);
    if (event.type !== 'failed') return;
    dialogue.step(tookMs, '!!', `${event.code} ${event.message}`);
    if (isFirst && dialogue.asks && !isAtRest(running.daemon.state, event)) dialogue.hint(TRIES);
    isFirst = false;
  });
}
