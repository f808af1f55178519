import { accessSync, constants, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { objectionTo } from '../../config/draft.ts';
import { instanceOf, onboardingLabel } from '../../config/instance.ts';
import { halvesAmong } from '../../config/rules.ts';
import type { Written } from '../../config/schema.ts';
import { isRandomName } from '../../machine/contained.ts';
import { holdsAuthority, noSecret } from '../../machine/named-file.ts';
import { inQuotes, wordsIn } from '../../machine/unit.ts';
import { isEndorsed, type Leaf } from '../../roll/leaf.ts';
import type { INIT_OPTIONS } from '../table-init.ts';
import type { Copied } from './copies.ts';
import type { Choice } from './dialogue.ts';
import { type Guide, misconfigured, wrongFlag } from './guide.ts';
import { TOKEN_KINDS } from './new-token.ts';

/** An option of init, the setting that it answers, and the question for a person. */
export interface SettingQuestion {
  readonly flag: string;
  readonly name: string;
  readonly words: string;
  /** Where the person finds the answer; said before the question. */
  readonly hint?: string | ((env: NodeJS.ProcessEnv) => string | undefined);
  /** A default of this machine, where the schema has none. */
  readonly suggestion?: (guide: Pick<Guide, 'answers' | 'file' | 'env'>) => string | undefined;
  /** A file that the daemon has to read, and its copy: a relative path is taken from where the command was called. */
  readonly file?: Copied;
  /** The person types what the file is to hold, unseen. */
  readonly isPassword?: true;
  /**
   * A mistake that the schema cannot know, as the end of a sentence; undefined where the answer is accepted.
   * @param content of the file, where the answer is one
   * @param leaf that the gateway has
   */
  readonly objection?: (written: string, content: string | undefined, leaf: Leaf | undefined) => string | undefined;
  /** Why a right answer may be a slip. */
  readonly doubt?: (written: string) => string | undefined;
  /** Where it is one of a few, the first of which is proposed. */
  readonly choices?: readonly Choice<string>[];
  /** Text to value and back, where the setting is no text. */
  readonly form?: { readonly read: (typed: string) => Written; readonly show: (value: Written) => string };
}

export const noCertificate = (path: string, content = ''): string | undefined =>
  holdsAuthority(content) ? undefined : `must be a PEM file: there is no certificate in ${path}`;

function notExecutable(program: string): string | undefined {
  try {
    if (!statSync(program).isFile()) return `must be a program: ${program} is none`;
    accessSync(program, constants.X_OK);
    return undefined;
  } catch {
    return `must be a program: ${program} is not there, or cannot be executed`;
  }
}

const isNeeded = (typed: string) => (typed === '' ? 'is needed' : undefined);

/** @param words the question, which names what is in the file */
const password = (name: string, words: string, file: string) => ({
  name,
  words,
  file: { name: file, isSecret: true } as const,
  isPassword: true as const,
  objection: (path: string, content = '') => {
    const wrong = noSecret(content);
    return wrong && `must be a file with the ${words.toLowerCase()} alone: ${path} ${wrong}`;
  },
});

export function registrationIdOf(host: string, env: NodeJS.ProcessEnv): string | undefined {
  const id = host.split('.', 1)[0] ?? '';
  return id === 'localhost' || isRandomName(id, env) || objectionTo('dps.registration_id', id) !== undefined
    ? undefined
    : id;
}

/** Portal and az show both on the same page. 0cn in China (an Azure Sphere client that serves both clouds). */
const LIKE_A_SCOPE = /^0(ne|cn)[0-9a-f]{8}$/i;

const PLACE = 'a file (PEM), or a pkcs11: URI';

const BY_OPTION = {
  'id-scope': { name: 'dps.id_scope', words: 'ID scope', hint: 'Azure portal: DPS instance, Overview' },
  'registration-id': {
    name: 'dps.registration_id',
    words: 'Registration ID, which is the CN of every leaf',
    hint: (env: NodeJS.ProcessEnv) =>
      isRandomName(hostname(), env)
        ? 'The host name looks like one that the engine has made up, so it is not proposed'
        : undefined,
    suggestion: ({ file, env }: Pick<Guide, 'file' | 'env'>) =>
      registrationIdOf([hostname(), instanceOf(file).name].filter(Boolean).join('-'), env),
    // No server gives another name to a leaf that is there: DPS would refuse it, and the session serve on under the old one.
    objection: (id: string, _: unknown, leaf?: Leaf) =>
      leaf === undefined || isEndorsed(leaf) || id === leaf.cn
        ? undefined
        : `must be ${leaf.cn}, the CN of the leaf that this gateway has. For another one, give the gateway up before: \`newleaf decommission\``,
    doubt: (id: string) => (LIKE_A_SCOPE.test(id) ? `The registration ID ${id} looks like an ID scope.` : undefined),
  },
  endpoint: { name: 'dps.endpoint', words: 'DPS endpoint' },
  'trust-ca': {
    name: 'trust.ca_file',
    words: 'File with the CAs of DPS and hubs (PEM)',
    file: { name: 'trust.pem' },
    objection: noCertificate,
  },
  transport: { name: 'network.transport', words: 'Transport' },
  proxy: { name: 'network.proxy', words: 'HTTP proxy', hint: 'http://host:port' },
  'proxy-user': { name: 'network.proxy_username', words: 'User name for the proxy', objection: isNeeded },
  'proxy-password-file': password('network.proxy_password_file', 'Password for the proxy', 'proxy-password'),
  attestation: {
    name: 'dps.attestation',
    words: 'Which one',
    choices: [
      { key: 'x509', words: 'x509: by a leaf, whose key is in a PKCS#11 token, which may be in the TPM' },
      { key: 'tpm', words: 'tpm: by the endorsement key of its TPM, without any certificate' },
    ],
  },
  'tpm-device': { name: 'tpm.device', words: 'The TPM' },
  issuer: {
    name: 'leaf.issuer',
    words: 'Which one',
    choices: [
      { key: 'est', words: 'est: an EST server (RFC 7030) signs by itself' },
      { key: 'command', words: 'command: a program on this gateway gets the CSR, and brings the leaf' },
      { key: 'inbox', words: 'inbox: a person takes the CSR away, and brings the leaf as a file' },
      { key: 'hub', words: 'hub: the back end signs, over the hub; the first leaf comes as with inbox' },
      { key: 'azure', words: 'azure: Azure signs by itself; DPS knows a key beside it, of the factory or made here' },
    ],
  },
  'est-url': {
    name: 'issuer.est.url',
    words: 'URL of the EST server',
    hint: 'with /.well-known/est, and a label where it has one',
  },
  'est-ca': {
    name: 'issuer.est.ca_file',
    words: 'File with the CA of its certificate (PEM)',
    file: { name: 'est-ca.pem' },
    objection: noCertificate,
  },
  'est-user': { name: 'issuer.est.username', words: 'User name', objection: isNeeded },
  'est-password-file': password('issuer.est.password_file', 'Password', 'est-password'),
  'bootstrap-cert': {
    name: 'issuer.est.bootstrap_cert',
    words: 'Bootstrap certificate',
    hint: PLACE,
    file: { name: 'bootstrap.pem' },
    objection: (place: string, content?: string) => (content === undefined ? undefined : noCertificate(place, content)),
  },
  'bootstrap-key': {
    name: 'issuer.est.bootstrap_key',
    words: 'Its key',
    hint: PLACE,
    file: { name: 'bootstrap-key.pem', isSecret: true },
  },
  command: {
    name: 'issuer.command.argv',
    words: 'Program and its arguments',
    hint: 'CSR (PEM) on stdin, chain (PEM) on stdout; words with blanks in quotes',
    form: { read: wordsIn, show: (argv: Written) => [argv].flat().map(String).map(inQuotes).join(' ') },
    objection: (typed: string) => notExecutable(wordsIn(typed)[0] ?? ''),
  },
  'onboarding-key': {
    name: 'onboarding.key',
    words: 'The key that DPS knows',
    hint: 'Enter: init makes one, and a CA of yours signs it. Or one that is there, as "pkcs11:id=%fa" or "pkcs11:object=factory"',
    suggestion: ({ answers }) => `pkcs11:object=${onboardingLabel(answers.inEffect('hsm.label_prefix'))}`,
  },
  'onboarding-cert': {
    name: 'onboarding.certificate',
    words: 'File with its certificate (PEM)',
    file: { name: 'onboarding.pem' },
    objection: noCertificate,
  },
  'renew-at': {
    name: 'leaf.renew_at',
    words: 'Renew a leaf at',
    hint: 'a share of its lifetime ("66%"), the time left ("30day", "12hour"), or off',
  },
  module: { name: 'hsm.module', words: 'Path of the PKCS#11 module' },
} as const satisfies Partial<Record<keyof typeof INIT_OPTIONS, Omit<SettingQuestion, 'flag'>>>;

export type Option = keyof typeof BY_OPTION;

export const SETTINGS = Object.fromEntries(
  Object.entries(BY_OPTION).map(([flag, question]) => [flag, { flag, ...question }]),
) as Readonly<Record<Option, SettingQuestion>>;

const optionOf = (setting: string): string | undefined =>
  Object.values(SETTINGS).find(({ name }) => name === setting)?.flag;

/** Judges the values of all options that need only be read, before a file is copied or a server is dialled. @throws Fault NL-CONFIG */
export function judgeFlags({ flags }: Pick<Guide, 'flags'>): void {
  const kind = flags.get('new-token');
  if (kind !== undefined && !TOKEN_KINDS.some((one) => one === kind))
    throw wrongFlag('new-token', `must be one of ${TOKEN_KINDS.join(', ')}`);
  for (const { flag: option, name, file, form } of Object.values(SETTINGS)) {
    const given = file === undefined && form === undefined ? flags.get(option) : undefined;
    const wrong = given === undefined ? undefined : objectionTo(name, given);
    if (wrong !== undefined) throw wrongFlag(option, wrong);
  }
}

/**
 * Demands that nothing is answered by half: the configuration would be refused after a token was made for it.
 * @throws Fault NL-CONFIG that names the options
 */
export function demandWhole({ answers, flags }: Pick<Guide, 'answers' | 'flags'>): void {
  const isGiven = (setting: string) => flags.has(optionOf(setting) ?? '');
  const halves = [...halvesAmong((setting) => isGiven(setting) || (answers.get(setting) ?? '') !== '')];
  if (halves.length === 0) return;
  const option = (setting: string) => `--${optionOf(setting) ?? setting}`;
  const sentences = halves.map(
    ([key, missing]) => `${isGiven(key) ? option(key) : key} needs ${missing.map(option).join(' and ')}.`,
  );
  const advice = 'Add what is missing, or leave out what needs it. See: `newleaf init --help`';
  throw misconfigured(sentences.join(' '), advice);
}
