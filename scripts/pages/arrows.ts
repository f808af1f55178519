import { basename } from 'node:path';
import { IN_CONTAINER } from '../../test/unit/arrows/container.ts';
import { ARROWS, FOR_A_PERSON } from '../../test/unit/arrows/rows.ts';

const linkOf = ([file]: readonly [file: string, name: string]): string => `[${basename(file)}](../../${file})`;
const code = (command: string): string => `\`${command.replaceAll('|', '\\|')}\``;

/** Situation, arrow, and what has changed once it is typed; then what no test types; then what a container prints. */
export function arrowsTable(): string {
  const rows = ARROWS.map(
    ({ situation, types, changes, test }) =>
      `| ${situation} | ${types.map(code).join(', ')} | ${changes} | ${linkOf(test)} |`,
  );
  const contained = IN_CONTAINER.map(
    ({ command, standsFor, test }) => `| ${code(command.trim())} | ${standsFor} | ${linkOf(test)} |`,
  );
  const people = FOR_A_PERSON.map(([command, reason]) => `- ${code(command)}: ${reason}`);
  return [
    '| situation | arrow | what changes | typed in |',
    '|---|---|---|---|',
    ...rows,
    '',
    'For the person alone:',
    '',
    ...people,
    '',
    'In [a container](../../systemd/container.md) the engine takes the place of systemd, apt and sudo:',
    '',
    '| arrow there | in the place of | typed in |',
    '|---|---|---|',
    ...contained,
  ].join('\n');
}
