import { accessSync, constants, statSync } from 'node:fs';
import { askSetting } from './ask-setting.ts';
import type { Choice } from './dialogue.ts';
import { estQuestions } from './est.ts';
import { choiceByFlag, type Guide } from './guide.ts';
import type { Question } from './in-order.ts';

type Kind = 'est' | 'command' | 'inbox' | 'hub';

const KINDS: readonly Choice<Kind>[] = [
  { key: 'est', words: 'est: an EST server (RFC 7030) signs by itself' },
  { key: 'command', words: 'command: a program on this gateway gets the CSR, and brings the leaf' },
  { key: 'inbox', words: 'inbox: a person takes the CSR away, and brings the leaf as a file' },
  { key: 'hub', words: 'hub: the back end signs, over the hub; the first leaf comes as with inbox' },
];

export const ISSUER_KINDS: readonly Kind[] = KINDS.map(({ key }) => key);

/** Who signs the leaves, and when they are renewed. */
export function issuerQuestions(): readonly Question[] {
  const of = (kind: Kind, ask: Question): Question => {
    return async (guide) => (guide.answers.get('leaf.issuer') === kind ? ask(guide) : undefined);
  };
  return [
    async (guide) => guide.answers.set('leaf.issuer', await kindOf(guide)),
    ...estQuestions().map((ask) => of('est', ask)),
    of('command', askCommand),
    askRenewal,
  ];
}

async function askRenewal(guide: Guide): Promise<void> {
  if (guide.answers.get('leaf.issuer') === undefined) return;
  await askSetting(guide, {
    name: 'leaf.renew_at',
    flag: 'renew-at',
    words: 'Renew a leaf at',
    hint: 'a share of its lifetime ("66%"), the time left ("30day", "12hour"), or off',
  });
}

async function kindOf({ answers, dialogue, flag }: Guide): Promise<Kind | undefined> {
  const given = choiceByFlag({ flag }, 'issuer', ISSUER_KINDS);
  if (given !== undefined) return given;
  const standing = ISSUER_KINDS.find((key) => key === answers.text('leaf.issuer'));
  if (dialogue.asks) return dialogue.choose('Which one', KINDS, standing ?? 'est');
  if (standing === undefined) answers.miss('issuer');
  return standing;
}

function askCommand(guide: Guide): Promise<void> {
  return askSetting(guide, {
    name: 'issuer.command.argv',
    flag: 'command',
    words: 'Program and its arguments',
    hint: 'CSR (PEM) on stdin, chain (PEM) on stdout; words with blanks in quotes',
    form: {
      read: issuerInWords,
      show: (value) => (Array.isArray(value) ? value.map(quoted).join(' ') : String(value)),
    },
    objection: (typed) => notExecutable(issuerInWords(typed)[0] ?? ''),
  });
}

/** A command line without a shell: blanks separate words, quotes keep them together. */
export function issuerInWords(typed: string): readonly string[] {
  return [...typed.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

const quoted = (word: unknown): string => {
  const text = String(word);
  if (/^[^\s"']+$/.test(text)) return text;
  return text.includes('"') ? `'${text}'` : `"${text}"`;
};

function notExecutable(program: string): string | undefined {
  try {
    if (!statSync(program).isFile()) return `must be a program: ${program} is none`;
    accessSync(program, constants.X_OK);
    return undefined;
  } catch {
    return `must be a program: ${program} is not there, or cannot be executed`;
  }
}
