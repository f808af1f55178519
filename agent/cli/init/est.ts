import type { Draft } from '../../config/draft.ts';
import { type Failure, Fault } from '../../failure/failure.ts';
import { Misuse } from '../kit/command.ts';
import { ask } from './ask-setting.ts';
import type { Guide, Question } from './guide.ts';
import { prove, untilProven } from './prove.ts';
import { type Option, SETTINGS } from './settings.ts';

const FIRSTS = [
  { key: 'password', words: 'a user name and a password' },
  { key: 'bootstrap', words: 'a bootstrap certificate with its key' },
  { key: 'none', words: 'nothing' },
] as const;

type First = (typeof FIRSTS)[number]['key'];

const USER = SETTINGS['est-user'].name;
const PASSWORD_FILE = SETTINGS['est-password-file'].name;
const CERTIFICATE = SETTINGS['bootstrap-cert'].name;
const BOOTSTRAP = [CERTIFICATE, SETTINGS['bootstrap-key'].name];
const SERVER_FLAGS = ['est-url', 'est-ca'] as const;
const PASSWORD_FLAGS = ['est-user', 'est-password-file'] as const;
const BOOTSTRAP_FLAGS = ['bootstrap-cert', 'bootstrap-key'] as const;

/** All settings of the EST server: each answer is tried as soon as it can be. */
export function estQuestions(): readonly Question[] {
  let firsts: readonly First[] = [];
  const of = (first: First, options: readonly Option[]): readonly Question[] =>
    options.map((option) => async (guide) => (firsts.includes(first) ? ask(option)(guide) : undefined));
  const identity = [...of('password', PASSWORD_FLAGS), ...of('bootstrap', BOOTSTRAP_FLAGS)];
  return [
    askUrl,
    askAuthority,
    async (guide) => {
      firsts = await askFirsts(guide);
    },
    ...identity,
    (guide) => proveIdentity(guide, identity),
  ];
}

const askUrl: Question = (guide) => askServer(guide, 'est-url', ['est-url'], [ask('est-url')]);
const askAuthority: Question = (guide) => askServer(guide, 'est-ca', SERVER_FLAGS, [askUrl, ask('est-ca')]);

async function askServer(guide: Guide, option: Option, forgotten: readonly string[], again: readonly Question[]) {
  const { dialogue } = guide;
  await ask(option)(guide);
  if (!dialogue.asks) return;
  const isLast = option === 'est-ca';
  const isOfFile = ({ code }: Failure) => code === 'NL-EST-UNTRUSTED' || code === 'NL-CONFIG';
  const met = async () => {
    const { failure } = await prove(guide, ['issuer-reach'], 'Asking the EST server');
    // The file of CAs is asked for next.
    return failure && !isLast && isOfFile(failure) ? undefined : failure;
  };
  const isProven = await untilProven(guide, met, (failure) => {
    guide.flags.forget(...forgotten);
    return isOfFile(failure) ? { setting: SETTINGS['est-ca'].name, again: [ask('est-ca')] } : { again };
  });
  if (isProven && isLast) dialogue.ok('The EST server answers.');
}

async function askFirsts({ answers, dialogue, flags }: Guide): Promise<readonly First[]> {
  const given = [
    ...(flags.hasAny(...PASSWORD_FLAGS) ? (['password'] as const) : []),
    ...(flags.hasAny(...BOOTSTRAP_FLAGS) ? (['bootstrap'] as const) : []),
  ];
  if (given.length > 0 || !dialogue.asks) return given;
  dialogue.say('How does this gateway prove itself the first time?');
  const standing = answers.text(CERTIFICATE) === undefined ? 'password' : 'bootstrap';
  const first = await dialogue.choose('Which one', FIRSTS, standing);
  if (first !== 'password') for (const name of [USER, PASSWORD_FILE]) answers.set(name, undefined);
  if (first !== 'bootstrap') for (const name of BOOTSTRAP) answers.set(name, undefined);
  return [first];
}

/** Asks for what the server refuses again. In a script, a new gateway meets it with its first leaf. */
async function proveIdentity(guide: Guide, identity: readonly Question[]): Promise<void> {
  const { answers, dialogue, flags, leaf } = guide;
  const all = [...SERVER_FLAGS, ...PASSWORD_FLAGS, ...BOOTSTRAP_FLAGS];
  if (!dialogue.asks && (leaf === undefined || !flags.hasAny('issuer', ...all))) return;
  answers.demandAll();
  const isKnown = (draft: Draft) => draft.has(USER) || draft.has(CERTIFICATE);
  const met = async () => {
    const draft = withoutToken(answers);
    const ids = [...(dialogue.asks ? [] : ['issuer-reach']), ...(isKnown(draft) ? ['issuer-auth'] : [])];
    const { failure } = await prove(guide, ids, 'Asking the EST server', draft);
    const told = failure && inWords(guide, failure);
    if (told !== undefined && !dialogue.asks) throw refusedOptions(told);
    return told;
  };
  const isProven = await untilProven(guide, met, ({ code }) => {
    flags.forget(...all);
    if (code === 'NL-EST-AUTH') return { setting: PASSWORD_FILE, again: identity };
    return { again: [askUrl, askAuthority] };
  });
  if (!isProven) return;
  if (isKnown(withoutToken(answers))) dialogue.ok('The EST server knows this gateway.');
  else if (answers.has(CERTIFICATE))
    dialogue.say('The bootstrap identity in the token is tried with the first request.');
}

/** What to do about what was answered here: the person has seen no setting yet. */
function inWords({ answers, dialogue }: Guide, failure: Failure): Failure {
  if (failure.code !== 'NL-EST-AUTH') return failure;
  const flags = (answers.has(USER) ? PASSWORD_FLAGS : BOOTSTRAP_FLAGS).map((name) => `--${name}`).join(' and ');
  const how = dialogue.asks ? 'Enter asks for them again' : `Correct ${flags}`;
  return { ...failure, advice: `${how}, or ask the operator of the EST server.` };
}

/** The server has answered, and said no: the options are wrong. Where there was no answer, they may be right. */
function refusedOptions(failure: Failure): Error {
  const { kind, code, message, advice, cause } = failure;
  if (kind !== 'refused') return new Fault(code, failure);
  return new Misuse(`${code} ${message}${cause === undefined ? '' : ` (${cause})`}`, { advice });
}

/** What can be tried here: an identity in the token cannot. */
function withoutToken(draft: Draft): Draft {
  const isInToken = BOOTSTRAP.some((name) => String(draft.get(name)).startsWith('pkcs11:'));
  return isInToken ? new Map([...draft].filter(([name]) => !BOOTSTRAP.includes(name))) : draft;
}
