import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  isNoSubstitutionTemplateLiteral,
  isStringLiteral,
  isTemplateExpression,
  type Node,
} from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';
import { CODES } from '../../../agent/failure/failure.ts';
import { commandsIn } from './commands.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** A command in a text of newleaf. */
export interface PrintedAt {
  /** The failure code whose advice it stands in; or else the file of the text. */
  readonly place: string;
  /** Without sudo; `…` for a part that depends. */
  readonly command: string;
}

/** Help is no advice, and the codes are read as values. */
const APART = /^agent\/(?:cli\/table|failure\/codes\/)/;

const sources = (): readonly string[] =>
  ['agent', 'hsm'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name}`)
      .filter((name) => name.endsWith('.ts') && !APART.test(name)),
  );

/** Each text in a file of TypeScript, with `…` in place of an expression in it. */
function textsIn(node: Node): readonly string[] {
  const texts: string[] = [];
  const visit = (one: Node): void => {
    if (isStringLiteral(one) || isNoSubstitutionTemplateLiteral(one)) texts.push(one.text);
    else if (isTemplateExpression(one)) {
      texts.push(one.head.text + one.templateSpans.map(({ literal }) => `…${literal.text}`).join(''));
    }
    one.forEachChild(visit);
  };
  visit(node);
  return texts;
}

/** Every text in the code of newleaf but the help, with its file. */
export function allTexts(): readonly { readonly place: string; readonly text: string }[] {
  const api = new API({ cwd: ROOT });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [join(ROOT, 'tsconfig.json')] });
    const program = snapshot.getProjects()[0]?.program;
    return sources().flatMap((place) => {
      const source = program?.getSourceFile(join(ROOT, place));
      if (source === undefined) throw new Error(`${place} is not read`);
      return textsIn(source).map((text) => ({ place, text }));
    });
  } finally {
    api.close();
  }
}

/** Every command that newleaf can print, each place once. */
export function printedCommands(): readonly PrintedAt[] {
  const inCodes = Object.entries(CODES).flatMap(([place, { inCheck, ...told }]) =>
    [told.advice, told.byPerson, inCheck?.advice, inCheck?.byPerson].map((text = '') => ({ place, text })),
  );
  const all = [...inCodes, ...allTexts()].flatMap(({ place, text }) =>
    commandsIn(text).map((command) => [`${place}: ${command}`, { place, command }] as const),
  );
  return [...new Map(all).values()];
}
