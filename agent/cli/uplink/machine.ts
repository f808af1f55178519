import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { groupsIn } from '../../machine/account.ts';
import { isContained } from '../../machine/contained.ts';
import { type Numbered, TMPFILES } from '../../machine/program-directory.ts';
import { Misuse } from '../kit/command.ts';

/** What the commands touch outside the daemon; other places for tests. */
export interface Machine {
  readonly tmpfiles: string;
  /** As in group(5). */
  readonly groups: string;
  readonly isRoot: () => boolean;
  readonly isContained: boolean;
}

export const HERE: Machine = {
  tmpfiles: TMPFILES,
  groups: '/etc/group',
  isRoot: () => process.geteuid?.() === 0,
  isContained: isContained(process.env),
};

/** @throws Misuse where there is none */
export function groupOf(name: string, { groups }: Machine): Numbered {
  const isName = /^[A-Za-z_][\w.-]*\$?$/.test(name);
  const [id] = isName ? groupsIn(textOf(groups), [name]) : [];
  if (id !== undefined) return { id, name };
  const advice = isName
    ? `\`groupadd --system ${name}\`; then for the user of the program: \`usermod -aG ${name} USER\``
    : 'Take another group, or without --group that of the daemon.';
  throw new Misuse(`There is no group ${JSON.stringify(name)} in ${groups}.`, { advice });
}

/** The group with this number, under its name if it has one. */
export function groupWith(id: number, { groups }: Machine): Numbered {
  const fields = textOf(groups)
    .split('\n')
    .map((line) => line.split(':'));
  const [name = String(id)] = fields.find(([, , number]) => number === String(id)) ?? [];
  return { id, name };
}

/** The group that may use a socket, where this user can see it; its number in a container, as others know no name of it. */
export function sharingGroup(socket: string, machine: Machine): string | number | undefined {
  const found = statSync(dirname(socket), { throwIfNoEntry: false });
  if (machine.isContained) return found?.gid ?? process.getegid?.();
  return found === undefined ? undefined : groupWith(found.gid, machine).name;
}

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
