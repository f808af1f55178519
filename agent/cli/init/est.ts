import type { Draft } from '../../config/draft.ts';
import type { Failure } from '../../failure/failure.ts';
import { ask } from './ask-setting.ts';
import { type Guide, type Question, when } from './guide.ts';
import { prove, untilProven } from './prove.ts';
import { type Option, SETTINGS } from './settings.ts';

const SERVER = ['est-url', 'est-ca'] as const;
const PASSWORD = ['est-user', 'est-password-file'] as const;
const BOOTSTRAP = ['bootstrap-cert', 'bootstrap-key'] as const;

/** By what a gateway without a leaf proves itself. */
const FIRSTS = [
  { key: 'password', words: 'a user name and a password', options: PASSWORD },
  { key: 'bootstrap', words: 'a bootstrap certificate with its key', options: BOOTSTRAP },
  { key: 'none', words: 'nothing', options: [] },
] as const;

type First = (typeof FIRSTS)[number]['key'];

const settingsOf = (options: readonly Option[]) => options.map((option) => SETTINGS[option].name);

const USER = SETTINGS['est-user'].name;
const CERTIFICATE = SETTINGS['bootstrap-cert'].name;

/** All settings of the EST server: each answer is tried as soon as it can be. */
export function estQuestions(): readonly Question[] {
  let firsts: readonly First[] = [];
  const identity = FIRSTS.flatMap(({ key, options }) =>
    options.map((option) => when(() => firsts.includes(key), ask(option))),
  );
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
const askAuthority: Question = (guide) => askServer(guide, 'est-ca', SERVER, [askUrl, ask('est-ca')]);

async function askServer(guide: Guide, option: Option, options: readonly Option[], again: readonly Question[]) {
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
  const isProven = await untilProven(guide, options, met, (failure) =>
    isOfFile(failure) ? { setting: SETTINGS['est-ca'].name, again: [ask('est-ca')] } : { again },
  );
  if (isProven && isLast) dialogue.ok('The EST server answers.');
}

async function askFirsts({ answers, dialogue, flags }: Guide): Promise<readonly First[]> {
  const given = FIRSTS.filter(({ options }) => flags.hasAny(...options)).map(({ key }) => key);
  if (given.length > 0 || !dialogue.asks) return given;
  dialogue.say('How does this gateway prove itself the first time?');
  const standing = answers.text(CERTIFICATE) === undefined ? 'password' : 'bootstrap';
  const first = await dialogue.choose('Which one', FIRSTS, standing);
  const others = FIRSTS.filter(({ key }) => key !== first);
  for (const name of settingsOf(others.flatMap(({ options }) => options))) answers.set(name, undefined);
  return [first];
}

/** Asks for what the server refuses again. In a script, a new gateway meets it with its first leaf. */
async function proveIdentity(guide: Guide, identity: readonly Question[]): Promise<void> {
  const { answers, dialogue, flags, leaf } = guide;
  const all = [...SERVER, ...PASSWORD, ...BOOTSTRAP];
  if (!dialogue.asks && (leaf === undefined || !flags.hasAny('issuer', ...all))) return;
  answers.demandAll();
  const isKnown = (draft: Draft) => draft.has(USER) || draft.has(CERTIFICATE);
  const met = async () => {
    const draft = withoutToken(answers);
    const ids = [...(dialogue.asks ? [] : ['issuer-reach']), ...(isKnown(draft) ? ['issuer-auth'] : [])];
    return (await prove(guide, ids, 'Asking the EST server', draft)).failure;
  };
  const isProven = await untilProven(guide, all, met, ({ code }) =>
    code === 'NL-EST-AUTH'
      ? { setting: SETTINGS['est-password-file'].name, again: identity }
      : { again: [askUrl, askAuthority] },
  );
  if (!isProven) return;
  if (isKnown(withoutToken(answers))) dialogue.ok('The EST server knows this gateway.');
  else if (answers.has(CERTIFICATE))
    dialogue.say('The bootstrap identity in the token is tried with the first request.');
}

/** What can be tried here: an identity in the token cannot. */
function withoutToken(draft: Draft): Draft {
  const bootstrap = settingsOf(BOOTSTRAP);
  const isInToken = bootstrap.some((name) => String(draft.get(name)).startsWith('pkcs11:'));
  return isInToken ? new Map([...draft].filter(([name]) => !bootstrap.includes(name))) : draft;
}
