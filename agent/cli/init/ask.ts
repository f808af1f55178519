import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { daemonAccount, giveDirectories } from '../../machine/as-daemon.ts';
import { makeDirectory } from '../../state/durable.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { adopt, demandStopped } from './adopt/adopt.ts';
import { type ExistingConfig, existing, keepDraft, makePlace, writeConfiguration } from './configuration.ts';
import { dropCopies } from './copies.ts';
import type { Dialogue } from './dialogue.ts';
import { errandAs, Flags, type Guide, misconfigured } from './guide.ts';
import { proposeProxy } from './identity.ts';
import { demandIdle, demandRoot, leftOver, recordedIn } from './idle.ts';
import { stagedPin } from './pin.ts';
import { demandWhole, judgeFlags } from './settings.ts';
import { askAll } from './steps.ts';

/** Options that answer no question. */
const MANNERS = ['yes', 'ask', 'wait', 'timeout', 'config'];

const ON_A_TERMINAL =
  'Call `newleaf init` on a terminal, or with --yes and the flags that `newleaf init --help` names.';

export interface Asking {
  readonly args: ParsedArguments;
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly dialogue: Dialogue;
  /** Makes sure that no other init works on this state. */
  readonly alone: (directory: string) => Promise<unknown>;
  /** Rejects at Ctrl-C while there is no question, and when the time is over. */
  readonly stopped: Promise<never>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
}

/**
 * Asks for the configuration where it is not complete, or the command line sets part of it, or wants everything asked again.
 * @throws Fault, TokenError, Interrupted
 */
export async function askConfiguration(asking: Asking): Promise<void> {
  const { args, file } = asking;
  const before = existing(file, args.options.ask === true);
  const state = before.answers.inEffect('state.directory');
  demandRoot(file, state);
  // A new gateway gets its directory after the options are judged.
  if (existsSync(state)) await asking.alone(state);
  await demandIdle(before.answers.inEffect('control.socket'), state);
  const hasAnswer = Object.keys(args.options).some((name) => !MANNERS.includes(name));
  if (hasAnswer || before.config === undefined || args.options.ask === true) await configure(asking, before);
}

async function configure(asking: Asking, before: ExistingConfig): Promise<void> {
  const { args, file, env, dialogue, stopped, alone } = asking;
  if (!dialogue.asks && args.options.yes !== true) {
    const why = `${file} is not complete, and newleaf cannot ask: stdin and stdout are not both a terminal.`;
    throw misconfigured(why, ON_A_TERMINAL);
  }
  const { answers } = before;
  const flags = new Flags(
    Object.entries(args.options).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  judgeFlags({ flags });
  await makePlace(asking);
  welcome(dialogue, before, file);
  proposeProxy({ answers, dialogue, flags }, env);
  // A person is asked for the other half, and aziot may bring it.
  if (!dialogue.asks && flags.get('adopt') !== 'aziot') demandWhole({ answers, flags });
  const state = answers.inEffect('state.directory');
  const account = daemonAccount(file, { state: { directory: state } });
  const known = await recordedIn(state);
  const bare: Guide = {
    dialogue,
    answers,
    flags,
    file,
    env,
    account,
    before: before.config,
    leaf: known.leaf,
    left: await leftOver({ answers, dialogue, flags }, known),
    errand: errandAs(account, file, dialogue),
    copies: new Map(),
    later: [],
    staged: {},
    stdin: () => pinFrom(asking),
  };
  const guide: Guide = { ...bare, adopted: await adopt(bare) };
  if (account === undefined) await makeDirectory(state);
  else await giveDirectories(account, file, state, dirname(answers.inEffect('control.socket')));
  await alone(state);
  await Promise.race([askAll(guide), stopped]).catch(async (error: unknown) => {
    if (dialogue.asks) await keepDraft(guide);
    await dropCopies(guide, dialogue.asks);
    throw error;
  });
  const kept = await writeConfiguration(guide, stagedPin(guide));
  await dropCopies(guide, true);
  for (const words of guide.later) dialogue.ok(words);
  const note = kept === undefined ? '' : ` The one before is kept as ${kept}.`;
  if (dialogue.asks) dialogue.blank();
  dialogue.ok(`The configuration is complete, and written to ${file}.${note}`);
  await demandStopped(guide);
}

function welcome(dialogue: Dialogue, { mistakes, isResumed }: ExistingConfig, file: string): void {
  const message = mistakes.join('\n');
  if (!dialogue.asks && message !== '') throw misconfigured(message);
  if (!dialogue.asks) return;
  dialogue.say(
    'This sets newleaf up on this gateway. Enter takes the value in brackets; `back` goes to the question before. Ctrl-C ends it at any time: run it again, and it goes on.',
  );
  if (isResumed) dialogue.say('Your earlier answers stand in brackets.');
  const advice = `The valid settings of ${file} stand in brackets. The file is kept beside the new one.`;
  if (message !== '') dialogue.wrong({ code: 'NL-CONFIG', message, advice });
}

async function pinFrom({ stdin }: Asking): Promise<string> {
  if (stdin.isTTY !== true) return text(stdin);
  throw misconfigured(
    '--pin-file - reads the PIN from stdin, and stdin is the terminal, which would show it.',
    'Leave the flag away, and type the PIN when it is asked for; or: `newleaf init --pin-file - <FILE`',
  );
}
