import type { Draft } from '../../config/draft.ts';
import { type Failure, Fault } from '../../failure/failure.ts';
import { Misuse } from '../kit/command.ts';
import { askSetting } from './ask-setting.ts';
import type { Guide } from './guide.ts';
import type { Question } from './in-order.ts';
import { ofProxy } from './network.ts';
import { prove, untilProven } from './prove.ts';
import { type Option, SETTINGS } from './settings.ts';

const FIRSTS = [
  { key: 'password', words: 'a user name and a password' },
  { key: 'bootstrap', words: 'a bootstrap certificate with its key' },
  { key: 'none', words: 'nothing' },
] as const;

type First = (typeof FIRSTS)[number]['key'];

const EST = 'issuer.est';
const PASSWORD = ['username', 'password_file'];
const BOOTSTRAP = ['bootstrap_cert', 'bootstrap_key'];
const [URL_OF, CA_FILE, PASSWORD_FILE] = [`${EST}.url`, `${EST}.ca_file`, `${EST}.password_file`] as const;
const SERVER_FLAGS = ['est-url', 'est-ca'];
const IDENTITY_FLAGS = ['est-user', 'est-password-file', 'bootstrap-cert', 'bootstrap-key'];

const ask =
  (option: Option): Question =>
  (guide) =>
    askSetting(guide, SETTINGS[option]);

/** All settings of the EST server: each answer is tried as soon as it can be. */
export function estQuestions(): readonly Question[] {
  let firsts: readonly First[] = [];
  let before: string | undefined;
  const of = (first: First, question: Question): Question => {
    return async (guide) => (firsts.includes(first) ? question(guide) : undefined);
  };
  const identity = [
    of('password', ask('est-user')),
    of('password', (guide) => {
      before = guide.answers.text(PASSWORD_FILE);
      return ask('est-password-file')(guide);
    }),
    of('bootstrap', ask('bootstrap-cert')),
    of('bootstrap', ask('bootstrap-key')),
  ];
  return [
    askUrl,
    askAuthority,
    async (guide) => {
      firsts = await askFirsts(guide);
    },
    ...identity,
    (guide) => proveIdentity(guide, identity, () => before),
  ];
}

async function askUrl(guide: Guide): Promise<void> {
  const { answers, dialogue } = guide;
  await ask('est-url')(guide);
  if (!dialogue.asks) return;
  const met = async () => {
    const failure = await reached(guide, 'Dialling the EST server');
    // The file of CAs is asked for next.
    return failure && isOfFile(failure) ? undefined : failure;
  };
  await untilProven(guide, met, () => {
    guide.forget('est-url');
    return { setting: [URL_OF, answers.get(URL_OF)], again: [ask('est-url')] };
  });
}

async function askAuthority(guide: Guide): Promise<void> {
  const { answers, dialogue } = guide;
  const before = answers.get(CA_FILE);
  await ask('est-ca')(guide);
  if (!dialogue.asks) return;
  const met = () => reached(guide, 'Asking the EST server');
  const isProven = await untilProven(guide, met, (failure) => {
    guide.forget(...SERVER_FLAGS);
    if (isOfFile(failure)) return { setting: [CA_FILE, before], again: [ask('est-ca')] };
    return { setting: [CA_FILE, answers.get(CA_FILE)], again: [askUrl, ask('est-ca')] };
  });
  if (isProven) dialogue.ok('The EST server answers.');
}

async function reached(guide: Guide, doing: string): Promise<Failure | undefined> {
  const { failure } = await prove(guide, ['issuer-reach'], doing);
  return failure && ofProxy(guide.answers, failure, false);
}

const isOfFile = ({ code }: Failure): boolean => code === 'NL-EST-UNTRUSTED' || code === 'NL-CONFIG';

/** The credentials of a gateway that has no leaf yet. */
async function askFirsts({ answers, dialogue, flag }: Guide): Promise<readonly First[]> {
  const given: readonly First[] = [
    ...((flag('est-user') ?? flag('est-password-file')) !== undefined ? (['password'] as const) : []),
    ...((flag('bootstrap-cert') ?? flag('bootstrap-key')) !== undefined ? (['bootstrap'] as const) : []),
  ];
  if (given.length > 0 || !dialogue.asks) return given;
  dialogue.say('How does this gateway prove itself the first time?');
  const standing = answers.text(`${EST}.bootstrap_cert`) === undefined ? 'password' : 'bootstrap';
  const first = await dialogue.choose('Which one', FIRSTS, standing);
  const others = { password: BOOTSTRAP, bootstrap: PASSWORD, none: [...PASSWORD, ...BOOTSTRAP] };
  for (const key of others[first]) answers.set(`${EST}.${key}`, undefined);
  return [first];
}

/**
 * Asks for what the server refuses again. In a script, a new gateway meets it with its first leaf.
 * @param before the file with the password that stood before this answer
 */
async function proveIdentity(guide: Guide, identity: readonly Question[], before: () => string | undefined) {
  const { answers, dialogue, flag, leaf } = guide;
  const isGiven = ['issuer', ...SERVER_FLAGS, ...IDENTITY_FLAGS].some((name) => flag(name) !== undefined);
  if (!dialogue.asks && (leaf === undefined || !isGiven)) return;
  answers.demandAll();
  const proven = () => {
    const draft = withoutToken(answers.draft);
    return { draft, isKnown: draft.has(`${EST}.username`) || draft.has(`${EST}.bootstrap_cert`) };
  };
  const met = async () => {
    const { draft, isKnown } = proven();
    const ids = [...(dialogue.asks ? [] : ['issuer-reach']), ...(isKnown ? ['issuer-auth'] : [])];
    const { failure } = await prove(guide, ids, 'Asking the EST server', draft);
    if (failure !== undefined && !dialogue.asks) throw refusedOptions(inWords(guide, failure));
    return failure && inWords(guide, failure);
  };
  const isProven = await untilProven(guide, met, ({ code }) => {
    guide.forget(...SERVER_FLAGS, ...IDENTITY_FLAGS);
    if (code === 'NL-EST-AUTH') return { setting: [PASSWORD_FILE, before()], again: identity };
    return { setting: [PASSWORD_FILE, answers.get(PASSWORD_FILE)], again: [askUrl, askAuthority] };
  });
  if (!isProven) return;
  if (proven().isKnown) return dialogue.ok('The EST server knows this gateway.');
  if (answers.get(`${EST}.bootstrap_cert`) === undefined) return;
  dialogue.say('The bootstrap identity in the token is tried with the first request.');
}

/** What to do about what was answered here: the person has seen no setting yet. */
function inWords({ answers, dialogue }: Guide, failure: Failure): Failure {
  if (failure.code !== 'NL-EST-AUTH') return ofProxy(answers, failure, false);
  const hasPassword = answers.text(`${EST}.username`) !== undefined;
  const flags = hasPassword ? '--est-user and --est-password-file' : '--bootstrap-cert and --bootstrap-key';
  const advice = `${dialogue.asks ? 'Enter asks for them again' : `Correct ${flags}`}, or ask the operator of the EST server.`;
  return { ...failure, advice };
}

/** The server has answered, and said no: the options are wrong. Where there was no answer, they may be right. */
function refusedOptions(failure: Failure): Error {
  const { kind, code, message, advice, cause } = failure;
  if (kind !== 'refused') return new Fault(code, failure);
  return new Misuse(`${code} ${message}${cause === undefined ? '' : ` (${cause})`}`, { advice });
}

/** What can be tried here: an identity in the token cannot. */
function withoutToken(draft: Draft): Draft {
  const settings = BOOTSTRAP.map((key) => `${EST}.${key}`);
  const isInToken = settings.some((name) => String(draft.get(name)).startsWith('pkcs11:'));
  return isInToken ? new Map([...draft].filter(([name]) => !settings.includes(name))) : draft;
}
