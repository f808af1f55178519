import { configPath, loadConfig } from '../config.ts';
import { request } from '../control-client.ts';
import { EXIT } from '../exit.ts';
import type { OutcomeStatus, Status } from '../roll/report.ts';
import { parkedAlarm } from './advise.ts';
import { refused } from './answer.ts';
import { command, complaint, type Io, type ParsedArguments, textOption } from './command.ts';
import { follow } from './follow.ts';
import { took } from './moment.ts';
import { Progress } from './progress.ts';
import { screenOf, wrap } from './screen.ts';
import { actionInWords, outcomeInWords } from './words.ts';

/** `newleaf reprovision` and `newleaf roll` */
export const run = command(async (args, io) => {
  const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
  const { socket } = config.control;
  const screen = screenOf(io.out, io.env);
  const progress = new Progress(io.out, screen);
  const say = (text: string) => progress.print(`${wrap(screen, text).join('\n')}\n`);
  const isWaiting = args.options.wait === true;
  try {
    for (;;) {
      const { status, body } = await request(socket, 'POST', `/v1/${args.command}`, bodyOf(args));
      const { id, outcome } = body as { id?: string; outcome?: OutcomeStatus['outcome'] };
      if (status === 200 && outcome !== undefined) return conclude(body as OutcomeStatus, io);
      const isBusy = status === 409 && id !== undefined;
      if (id === undefined || !(status === 202 || (isBusy && isWaiting))) {
        const answer = refused(status, body);
        io.err.write(complaint(answer.complaint, screenOf(io.err, io.env)));
        return answer.exit;
      }
      if (!isWaiting) {
        say(`Accepted as ${id}. See it happen: newleaf status --watch`);
        return EXIT.done;
      }
      say(isBusy ? `Another request is in flight. Following ${id}:` : `Accepted as ${id}.`);
      const ended = await follow(id, { socket, progress, screen });
      // The one in flight may have been what we want; where it was something else, our turn comes now.
      if (isBusy && ended.outcome.action !== ACTIONS[args.command]) continue;
      progress.end();
      return conclude(ended.outcome, io, { status: ended.status, directory: config.state.directory });
    }
  } finally {
    progress.end();
  }
});

const ACTIONS: Readonly<Record<string, OutcomeStatus['action']>> = { reprovision: 're-register', roll: 'roll' };

function bodyOf(args: ParsedArguments): object {
  const id = textOption(args, 'id');
  return { ...(id !== undefined && { id }), ...(args.options.discard === true && { discard: true }) };
}

interface Standing {
  readonly status: Status;
  /** `state.directory` */
  readonly directory: string;
}

/** Says how it ended, and gives the exit code of that. */
function conclude(ended: OutcomeStatus, { out, err, env, now }: Io, standing?: Standing): number {
  const { leaf, hub, next } = standing?.status ?? {};
  const time = took(Date.parse(ended.endedAt) - Date.parse(ended.at));
  const proof = ended.outcome === 'done' && leaf && hub ? ` ${hub.host} accepted the leaf ${leaf.thumbprint}.` : '';
  const sentence = `The ${actionInWords(ended)} ${ended.id} is ${outcomeInWords(ended)} (${time}).${proof}`;
  out.write(`${wrap(screenOf(out, env), sentence).join('\n')}\n`);
  const { code, message, advice } = ended;
  // The candidate knows more than the code: where its PEM lies, and when it is asked for again.
  const parked = next && standing && parkedAlarm(next, standing.directory, now());
  if (parked?.code !== undefined && parked.code === code) err.write(complaint(parked, screenOf(err, env)));
  else if (message !== undefined) err.write(complaint({ code, message, advice }, screenOf(err, env)));
  return EXIT[ended.outcome];
}
