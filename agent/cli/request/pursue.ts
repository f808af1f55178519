import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { EXIT, exitOf } from '../../failure/exit.ts';
import { isCode } from '../../failure/failure-of.ts';
import type { OutcomeStatus, Status } from '../../roll/report.ts';
import { timeLimit } from '../../time/limited.ts';
import { complaint, type Io, Misuse, textOption } from '../kit/command.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { Progress } from '../kit/progress.ts';
import { screenOf, wrap } from '../kit/screen.ts';
import { took } from '../moment.ts';
import { parkedAlarm } from '../status/advise.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { timeoutOf } from '../timeout.ts';
import { actionInWords, outcomeInWords } from '../words.ts';
import { tellRefusal } from './answer.ts';
import { askDaemon } from './ask-daemon.ts';
import { follow, INTERRUPTED } from './follow.ts';
import { Hopeless } from './hopeless.ts';

export interface Wish {
  /** The path on the control socket that the wish is posted to. */
  readonly path: string;
  readonly body: object;
  /** If other work of this kind is in flight, follow that instead. */
  readonly orElse?: OutcomeStatus['action'] | undefined;
}

interface Said {
  readonly id?: string;
  /** Of a request that has ended before. */
  readonly outcome?: OutcomeStatus['outcome'];
  /** Of the leaf that was delivered: what it is, and who has issued it. */
  readonly thumbprint?: string;
  readonly message?: string;
}

/**
 * Asks the daemon for work, and reports the result.
 * @returns the exit code
 * @throws Misuse; Failed, where --timeout comes first; Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED, NL-INTERNAL
 */
export async function pursue(wish: Wish, args: ParsedArguments, config: Config, io: Io): Promise<number> {
  const named = textOption(args, 'id');
  const body = { ...wish.body, ...(named !== undefined && { id: named }) };
  const isWaiting = args.options.wait === true;
  const limit = limitOf(args);
  const left = new AbortController();
  const leave = () => left.abort(INTERRUPTED);
  const abort = AbortSignal.any([left.signal, ...(limit === undefined ? [] : [limit])]);
  const place = daemonPlace(config, io.env);
  const { directory } = place;
  const screen = screenOf(io.out, io.env);
  const progress = new Progress(io.out, screen);
  const say = (text: string) => progress.print(`${wrap(screen, text).join('\n')}\n`);
  if (isWaiting) process.once('SIGINT', leave);
  /** A request of another one that a person must help first: it makes room, once it is asked for. */
  let passed: string | undefined;
  try {
    for (;;) {
      const reply = await askDaemon(place, wish.path, body);
      const since = reply.before?.at;
      const { status, body: said } = reply;
      const { id, outcome, thumbprint, message } = said as Said;
      if (status === 200 && outcome !== undefined) return conclude(said as OutcomeStatus, io);
      const isBusy = status === 409 && id !== undefined;
      const isOurs = status === 202 || (isBusy && isWaiting);
      if (id === undefined || !isOurs) return tellRefusal(reply, io, join(directory, 'inbox'));
      const leaf = thumbprint === undefined ? '' : ` It is the leaf ${thumbprint}. ${message ?? ''}`.trimEnd();
      if (!isWaiting) {
        say(`Accepted as ${id}.${leaf} See it happen: \`newleaf status --watch\``);
        return EXIT.done;
      }
      say(isBusy ? `Another request is in flight. Following ${id}:` : `Accepted as ${id}.${leaf}`);
      const following = follow(id, { ...place, progress, screen, abort, since });
      const ended = await following.catch((error: unknown) => {
        if (!isBusy || passed === id || !(error instanceof Hopeless)) throw error;
        passed = id;
      });
      if (ended === undefined) continue;
      // The work in flight may have been of the wanted kind; if it was not, ask again now.
      if (isBusy && ended.outcome.action !== wish.orElse) continue;
      progress.end();
      return conclude(ended.outcome, io, ended.status, directory);
    }
  } finally {
    process.off('SIGINT', leave);
    progress.end();
  }
}

/** @throws Misuse */
function limitOf(args: ParsedArguments): AbortSignal | undefined {
  const ms = timeoutOf(args);
  if (ms === undefined) return undefined;
  if (args.options.wait !== true) throw new Misuse('--timeout is for --wait.');
  return timeLimit(ms);
}

/** Reports how it ended. @returns the exit code */
function conclude(ended: OutcomeStatus, { out, err, env, now }: Io, status?: Status, directory = ''): number {
  const { leaf, endorsementKey, hub, next } = status ?? {};
  const time = took(Date.parse(ended.endedAt) - Date.parse(ended.at));
  const accepted = leaf ? `the leaf ${leaf.thumbprint}` : endorsementKey && 'the key of the TPM';
  const proof = ended.outcome === 'done' && accepted && hub ? ` ${hub.host} accepted ${accepted}.` : '';
  const sentence = `The ${actionInWords(ended)} ${ended.id} is ${outcomeInWords(ended)} (${time}).${proof}`;
  out.write(`${wrap(screenOf(out, env), sentence).join('\n')}\n`);
  const { code, message, advice } = ended;
  // The candidate says more than the code: where its PEM lies, and when DPS is asked again.
  const parked = next && parkedAlarm(next, directory, now());
  if (parked?.code !== undefined && parked.code === code) err.write(complaint(parked, screenOf(err, env)));
  else if (message !== undefined) err.write(complaint({ code, message, advice }, screenOf(err, env)));
  return isCode(code) && exitOf({ code }) === EXIT.person ? EXIT.person : EXIT[ended.outcome];
}
