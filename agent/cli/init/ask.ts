import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { instanceOf } from '../../config/config.ts';
import { standardOf } from '../../config/draft.ts';
import { Fault } from '../../failure/failure.ts';
import { daemonAccount, giveDirectories } from '../../machine/as-daemon.ts';
import { unitOf } from '../../machine/unit.ts';
import { leafIn } from '../../roll/candidate.ts';
import { makeDirectory } from '../../state/durable.ts';
import { readEntry } from '../../state/read-entry.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { adopt } from './adopt/adopt.ts';
import { askFirstKey } from './adopt/begin.ts';
import { demandStopped } from './adopt/incumbent.ts';
import { askAttestation } from './attestation.ts';
import { type ExistingConfig, keepDraft, makePlace, writeConfiguration } from './configuration.ts';
import { dropCopies } from './copies.ts';
import { Back, type Dialogue } from './dialogue.ts';
import { createErrands } from './errands.ts';
import { type Guide, InitAnswers } from './guide.ts';
import { IDENTITY_QUESTIONS } from './identity.ts';
import { askInOrder, type Question } from './in-order.ts';
import { issuerQuestions } from './issuer.ts';
import { demandWhole, judgeFlags } from './judge.ts';
import { leftOver, type Recorded } from './left.ts';
import { hasAnswer } from './network.ts';
import { stagedPin } from './pin-place.ts';
import { proveScope } from './scope.ts';
import { askToken } from './token.ts';

/** Options that answer no question. */
const MANNERS = ['yes', 'ask', 'wait', 'timeout', 'config'];

/** Whether the command line sets part of the configuration, or wants everything asked again. */
export function isAsked({ options }: ParsedArguments, { config }: ExistingConfig): boolean {
  const answers = Object.keys(options).filter((name) => !MANNERS.includes(name));
  return config === undefined || options.ask === true || answers.length > 0;
}

const ON_A_TERMINAL =
  'Call `newleaf init` on a terminal, or with --yes and the flags that `newleaf init --help` names.';

export interface AskOptions {
  readonly args: ParsedArguments;
  readonly file: string;
  readonly before: ExistingConfig;
  readonly dialogue: Dialogue;
  /** Makes sure that no other init works on this state. */
  readonly alone: (directory: string) => Promise<void>;
  /** Rejects at Ctrl-C while there is no question, and when the time is over. */
  readonly stopped: Promise<never>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
}

/** Asks for the configuration, and writes it. @throws Fault, TokenError, Interrupted */
export async function ask(options: AskOptions): Promise<void> {
  const { args, file, before, dialogue, stopped } = options;
  if (!dialogue.asks && args.options.yes !== true) {
    const message = `${file} is not complete, and newleaf cannot ask: stdin and stdout are not both a terminal.`;
    throw new Fault('NL-CONFIG', { message, advice: ON_A_TERMINAL });
  }
  const flags = new Map(
    Object.entries(args.options).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  const flag = (name: string) => flags.get(name);
  judgeFlags({ flag });
  await makePlace(file);
  welcome(dialogue, before, file);
  const answers = new InitAnswers(before.draft, file);
  // A person is asked for the other half, and aziot may bring it.
  if (!dialogue.asks && flags.get('adopt') !== 'aziot') demandWhole({ flag }, hasAnswer(answers));
  const state = answers.inEffect('state.directory');
  const account = daemonAccount(file, { state: { directory: state } });
  const known = await knownIn(state);
  const bare: Guide = {
    dialogue,
    answers,
    flag,
    forget: (...names) => {
      for (const name of names) flags.delete(name);
    },
    file,
    account,
    leaf: known.leaf,
    left: await leftOver({ answers, dialogue, flag }, known),
    errands: createErrands(
      account,
      () => unitOf(instanceOf(file).unit),
      (words, work) => dialogue.during(words, work),
    ),
    copies: new Map(),
    later: [],
    staged: {},
    stdin: () => pinFrom(options),
  };
  const guide: Guide = { ...bare, adopted: await adopt(bare, flags) };
  if (account === undefined) await makeDirectory(state);
  else await giveDirectories(account, file, state, dirname(socketOf(before, file)));
  await options.alone(state);
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

/** The token comes last, as changes to it stay: nothing may be missing by then. */
const demandedToken: Question = (guide) => {
  guide.answers.demandAll();
  // Options that no question has taken, as those of another issuer, do not count.
  demandWhole({ flag: () => undefined }, hasAnswer(guide.answers));
  return askToken(guide);
};

/** All but the first: for a gateway with a leaf. */
const steps = (): readonly (readonly [title: string, questions: readonly Question[]])[] => [
  ['Which gateway is this?', [...IDENTITY_QUESTIONS, askAttestation]],
  ['Who signs its leaves?', issuerQuestions()],
  ['Where does its private key live?', [demandedToken, askFirstKey, proveScope]],
];

/** Asks everything, and keeps the answers after each question. @throws Fault, Interrupted */
async function askAll(guide: Guide): Promise<void> {
  const { answers, dialogue } = guide;
  let titled = -1;
  const questions = steps().flatMap(([title, asks], at, { length }) =>
    asks.map((ask): Question => {
      return async () => {
        if (at > 0 && answers.get('dps.attestation') === 'tpm') return;
        if (dialogue.asks && titled !== at) dialogue.title(`${at + 1} of ${length}: ${title}`);
        titled = at;
        await ask(guide);
        if (dialogue.asks) await keepDraft(guide);
      };
    }),
  );
  for (;;) {
    try {
      await askInOrder(guide, questions);
      return answers.demandAll();
    } catch (error) {
      if (!(error instanceof Back)) throw error;
      dialogue.say('There is no question before this one.');
    }
  }
}

/** The socket of the daemon. */
export const socketOf = ({ draft }: ExistingConfig, file: string): string =>
  String(draft.get('control.socket') ?? standardOf('control.socket', file));

/** The directory of its state. */
export const stateOf = ({ draft }: ExistingConfig, file: string): string =>
  String(draft.get('state.directory') ?? standardOf('state.directory', file));

/** A state that cannot be read is met when the daemon starts. */
async function knownIn(directory: string): Promise<Recorded> {
  const entry = await readEntry(directory).catch(() => 'absent' as const);
  if (entry === 'absent') return { leaf: undefined };
  return { leaf: entry.current ?? leafIn(entry.next), registered: entry.registered };
}

function welcome(dialogue: Dialogue, { mistakes, isResumed }: ExistingConfig, file: string): void {
  if (!dialogue.asks) {
    if (mistakes.length > 0) throw new Fault('NL-CONFIG', { message: mistakes.join('\n') });
    return;
  }
  dialogue.say(
    'This sets newleaf up on this gateway. Enter takes the value in brackets; `back` goes to the question before. Ctrl-C ends it at any time: run it again, and it goes on.',
  );
  if (isResumed) dialogue.say('Your earlier answers stand in brackets.');
  if (mistakes.length === 0) return;
  dialogue.wrong({
    code: 'NL-CONFIG',
    message: mistakes.join('\n'),
    advice: `The valid settings of ${file} stand in brackets. The file is kept beside the new one.`,
  });
}

async function pinFrom({ stdin }: AskOptions): Promise<string> {
  if (stdin.isTTY !== true) return text(stdin);
  throw new Fault('NL-CONFIG', {
    message: '--pin-file - reads the PIN from stdin, and stdin is the terminal, which would show it.',
    advice: 'Leave the flag away, and type the PIN when it is asked for; or: `newleaf init --pin-file - <FILE`',
  });
}
