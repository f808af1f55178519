import type { DaemonEvent } from '../../ask/event.ts';
import { CODES, type Code, Fault } from '../../failure/failure.ts';
import { isCode } from '../../failure/failure-of.ts';
import { assertNotEnded } from '../../state/journal.ts';
import { type Complaint, complaint, Failed } from '../kit/command.ts';
import type { Progress } from '../kit/progress.ts';
import type { Screen } from '../kit/screen.ts';
import { took } from '../moment.ts';
import type { DaemonPlace } from '../status/daemon-place.ts';
import { present } from '../status/present.ts';
import { Chronicle } from './chronicle.ts';
import { hopeless } from './hopeless.ts';
import { type PulseOptions, pulse } from './pulse.ts';

export interface FollowOptions extends PulseOptions, DaemonPlace {
  readonly progress: Progress;
  readonly screen: Screen;
  /** How long the daemon may stay away, in milliseconds: it restarts itself to heal the token. */
  readonly patienceMs?: number;
  /** When the person asked, by the clock of the daemon, ISO 8601. */
  readonly since?: string | undefined;
}

/** The daemon has lost the request if so many looks in a row do not know it. */
const UNKNOWN_LOOKS = 3;

/**
 * Follows a request to its end, across restarts of the daemon, and reports each step.
 * @throws Failed when it is aborted; Fault NL-DAEMON-DOWN where it stays away, NL-CONTROL-DENIED, NL-INTERNAL where it has
 * lost the request; NL-STATE-DECOMMISSIONED; Hopeless
 */
export async function follow(id: string, options: FollowOptions) {
  const { progress, screen, directory, patienceMs = 60_000 } = options;
  const chronicle = new Chronicle(id);
  let awaySince: number | undefined;
  let unknown = 0;
  let work = { doing: '', since: performance.now() };
  const complained = new Set<string>();
  for await (const event of pulse(options)) {
    const failed = failedEvent(event);
    const status = await present(options);
    const end = status instanceof Fault ? undefined : hopeless(id, status, { heard: failed, since: options.since });
    if (end !== undefined) throw end;
    // Once each: without a network two of them take turns.
    if (failed !== undefined && !complained.has(failed.code)) {
      progress.print(complaint({ ...failed, advice: complained.size === 0 ? AGAIN : undefined }, screen, INDENT));
      complained.add(failed.code);
    }
    if (status instanceof Fault) {
      if (directory !== undefined) await assertNotEnded(directory);
      awaySince ??= performance.now();
      if (performance.now() - awaySince >= patienceMs) throw status;
      progress.doing('waiting for the daemon, which does not answer');
      continue;
    }
    awaySince = undefined;
    const { lines, doing, outcome, isUnknown } = chronicle.read(status);
    progress.print(lines.map((line) => `${line}\n`).join(''));
    progress.doing(doing);
    if (doing !== work.doing) work = { doing, since: performance.now() };
    if (outcome !== undefined) return { outcome, status };
    unknown = isUnknown ? unknown + 1 : 0;
    if (unknown >= UNKNOWN_LOOKS) break;
  }
  if (options.abort?.aborted === true) {
    const why = options.abort.reason === INTERRUPTED ? 'Interrupted.' : 'Not finished in time.';
    if (awaySince !== undefined) {
      const message = `${why} The daemon has not answered for ${took(performance.now() - awaySince)}.`;
      throw new Failed(message, {
        advice: `\`newleaf status\` says why. The request ${id} goes on when it runs again.`,
      });
    }
    const where = work.doing === '' ? '' : ` In flight for ${took(performance.now() - work.since)}: ${work.doing}.`;
    throw new Failed(`${why}${where} The request ${id} goes on.`, {
      advice: `See \`newleaf status --watch\`, and \`newleaf check\` where a server does not answer. The same command with \`--id ${id}\` tells how it ended.`,
    });
  }
  const advice = 'Ask once more; see `newleaf status`.';
  throw new Fault('NL-INTERNAL', { message: `The daemon no longer knows the request ${id}.`, advice });
}

/** The reason of an abort by Ctrl-C. */
export const INTERRUPTED = Symbol('interrupted');

/** Said once: the person does not know whether to wait. */
const AGAIN = 'newleaf tries again by itself. Ctrl-C ends this wait only.';

const INDENT = ' '.repeat(10);

/** An attempt that will be tried again. A refusal is different: the end of the request reports it. */
function failedEvent(event: DaemonEvent | undefined): (Complaint & { readonly code: Code }) | undefined {
  // A newer daemon may have other codes.
  if (event?.type !== 'failed' || !isCode(event.code) || CODES[event.code].kind === 'refused') return undefined;
  const { code, message, advice } = event;
  return { code, message, advice };
}
