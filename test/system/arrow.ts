import assert from 'node:assert/strict';
import { commandsIn, looks } from '../unit/arrows/commands.ts';
import { isOnline, type Machine } from './machine.ts';
import type { Site } from './site.ts';

/** A situation on a gateway that is well before and after it, and what a person does in it. */
export interface Situation {
  readonly title: string;
  readonly breaks: (site: Site) => unknown;
  /** Where the arrow is read: at a check, or after a code on another screen; `isTold`: once systemd shows that code, too. */
  readonly screen:
    | { readonly check: string }
    | { readonly says: readonly string[]; readonly of?: string; readonly isTold?: true };
  /** What is printed there to be typed, in this order. */
  readonly types: readonly string[];
  /** Of these, what is typed where the text leaves a choice. */
  readonly chosen?: readonly string[];
  /** What the text says beside its commands, and the person does first. */
  readonly before?: (site: Site) => unknown;
  /** What the person types for a word in capitals. */
  readonly fills?: Readonly<Record<string, string>>;
  /** What the last one of them ends with, to be typed next. */
  readonly leadsTo?: readonly string[];
  /** By default, what has shown the arrow shows none. */
  readonly after?: (site: Site) => unknown;
}

/** A screen breaks its lines where it likes, and marks no command that is alone on its line. */
const arrowsIn = (text: string): readonly string[] =>
  text
    .split(/^\s*(?:→|->) /m)
    .slice(1)
    .map((told) => {
      const [line = ''] = told.split('\n');
      return line.includes('`') || !/^(?:sudo )?(?:newleaf|systemctl) /.test(line)
        ? told.replaceAll(/(\s\\)?\s+/g, ' ')
        : `\`${line}\``;
    });

async function adviceOf({ machine }: Site, screen: Situation['screen']): Promise<string> {
  if ('check' in screen) {
    const { out } = await machine.run('newleaf', 'check', '--json', screen.check);
    const found = (JSON.parse(out).checks as { id: string; advice?: string }[]).find(({ id }) => id === screen.check);
    return found?.advice ?? '';
  }
  const { says, of = '', isTold } = screen;
  if (isTold) await machine.until(({ StatusText }) => StatusText?.includes(of) === true);
  const { out, err } = await machine.run(...says);
  const text = `${out}${err}`;
  const told = text.slice(Math.max(0, text.indexOf('What to do')));
  return arrowsIn(told.slice(told.indexOf(of)))[0] ?? text;
}

/** There is no terminal, where it would ask. */
const unasked = (command: string): string => command.replace(/^newleaf decommission$/, '$& --yes');

export async function play(situation: Situation, site: Site): Promise<void> {
  const { breaks, screen, types, chosen = types, before, fills = {}, leadsTo, after } = situation;
  const { machine } = site;
  await breaks(site);
  const advice = await adviceOf(site, screen);
  assert.deepEqual(
    commandsIn(advice).filter((one) => !looks(one)),
    types,
    advice,
  );
  await before?.(site);
  for (const command of chosen) {
    const line = command.replaceAll(/[A-Z]{3,}/g, (word) => fills[word] ?? word);
    const { code, out, err } = await machine.run('sh', '-c', line);
    if (code === 0) continue;
    const next = commandsIn(arrowsIn(`${out}${err}`)[0] ?? '');
    assert.deepEqual(next, leadsTo, `${line}\n${out}${err}`);
    for (const one of next) await must(machine, unasked(one));
  }
  await after?.(site);
  if ('check' in screen) {
    const { code, out, err } = await machine.run('newleaf', 'check', screen.check);
    assert.equal(code, 0, out + err);
    assert.doesNotMatch(out, /→|->/);
  }
}

/** The gateway serves, and nothing is red. */
export async function assertWell({ machine }: Site): Promise<void> {
  await machine.until(isOnline);
  const { code, out, err } = await machine.run('newleaf', 'check');
  assert.equal(code, 0, out + err);
}

export const must = (machine: Machine, line: string): Promise<string> => machine.must('sh', '-c', line);
