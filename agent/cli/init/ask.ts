import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { standardOf } from '../../config/draft.ts';
import { Fault } from '../../failure/failure.ts';
import { daemonAccount, giveDirectories } from '../../machine/as-daemon.ts';
import { unitOf } from '../../machine/unit.ts';
import { makeDirectory } from '../../state/durable.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { askAttestation } from './attestation.ts';
import { keepDraft, makePlace, type StandingConfig, writeConfiguration } from './configuration.ts';
import type { Dialogue } from './dialogue.ts';
import { createErrands } from './errands.ts';
import { type Guide, InitAnswers } from './guide.ts';
import { askIdentity } from './identity.ts';
import { askIssuer } from './issuer.ts';
import { askToken } from './token.ts';

/** Options that answer no question. */
const MANNERS = ['yes', 'ask', 'wait', 'config'];

/** Whether the command line sets part of the configuration, or wants everything asked again. */
export function isAsked({ options }: ParsedArguments, { config }: StandingConfig): boolean {
  const answers = Object.keys(options).filter((name) => !MANNERS.includes(name));
  return config === undefined || options.ask === true || answers.length > 0;
}

const ON_A_TERMINAL = 'Call newleaf init on a terminal, or with --yes and the flags that `newleaf init --help` names.';

export interface AskOptions {
  readonly args: ParsedArguments;
  readonly file: string;
  readonly before: StandingConfig;
  readonly dialogue: Dialogue;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
}

/** Asks for the configuration, and writes it. @throws Fault, TokenError, Interrupted */
export async function ask(options: AskOptions): Promise<void> {
  const { args, file, before, dialogue } = options;
  if (!dialogue.asks && args.options.yes !== true) {
    const message = `${file} is not complete, and newleaf cannot ask: stdin and stdout are not both a terminal.`;
    throw new Fault('NL-CONFIG', { message, advice: ON_A_TERMINAL });
  }
  await makePlace(file);
  welcome(dialogue, before, file);
  const answers = new InitAnswers(before.draft);
  const state = answers.inEffect('state.directory');
  const account = daemonAccount(file, { state: { directory: state } });
  const flags = new Map(
    Object.entries(args.options).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  const guide: Guide = {
    dialogue,
    answers,
    flag: (name) => flags.get(name),
    forget: (...names) => {
      for (const name of names) flags.delete(name);
    },
    file,
    account,
    errands: createErrands(account, unitOf),
    stdin: () => pinFrom(options),
  };
  if (account === undefined) await makeDirectory(state);
  else await giveDirectories(account, state, dirname(socketOf(before)));
  await askAll(guide);
  const kept = await writeConfiguration(guide);
  const note = kept === undefined ? '' : ` The one before is kept as ${kept}.`;
  if (dialogue.asks) dialogue.blank();
  dialogue.ok(`The configuration is complete, and written to ${file}.${note}`);
}

type Step = readonly [title: string, ask: (guide: Guide) => Promise<unknown>];

async function askWhich(guide: Guide): Promise<void> {
  await askIdentity(guide);
  await askAttestation(guide);
}

/** All but the first: for a gateway with a leaf. The token comes last: changes to it stay, even where answers are missing. */
const STEPS: readonly Step[] = [
  ['Which gateway is this?', askWhich],
  ['Who signs its leaves?', askIssuer],
  ['Where does its private key live?', askToken],
];

/** Asks everything, step by step, and keeps the answers after each step. @throws Fault, Interrupted */
async function askAll(guide: Guide): Promise<void> {
  const { answers, dialogue } = guide;
  for (const [at, [title, ask]] of STEPS.entries()) {
    const isNeeded = at === 0 || answers.get('dps.attestation') !== 'tpm';
    if (!isNeeded) continue;
    if (dialogue.asks) dialogue.title(`${at + 1} of ${STEPS.length}  ${title}`);
    if (ask === askToken) answers.demandAll();
    await ask(guide);
    if (dialogue.asks) await keepDraft(guide);
  }
  answers.demandAll();
}

/** The socket of the daemon. */
export const socketOf = ({ draft }: StandingConfig): string =>
  String(draft.get('control.socket') ?? standardOf('control.socket'));

function welcome(dialogue: Dialogue, { mistakes, isResumed }: StandingConfig, file: string): void {
  if (!dialogue.asks) {
    if (mistakes.length > 0) throw new Fault('NL-CONFIG', { message: mistakes.join('\n') });
    return;
  }
  dialogue.say(
    'This sets newleaf up on this gateway. Enter takes the value in brackets. Ctrl-C ends it at any time: run it again, and it goes on.',
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
    advice: 'Leave the flag away, and type the PIN when it is asked for; or: newleaf init --pin-file - <FILE',
  });
}
