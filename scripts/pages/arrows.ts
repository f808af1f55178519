import { basename } from 'node:path';
import { ARROWS, FOR_A_PERSON } from '../../test/unit/arrows/rows.ts';

const code = (command: string): string => `\`${command.replaceAll('|', '\\|')}\``;

/** Situation, arrow, and what has changed once it is typed; then what no test types. */
export function arrowsTable(): string {
  const rows = ARROWS.map(({ situation, types, changes, test: [file] }) => {
    const where = `[${basename(file)}](../../${file})`;
    return `| ${situation} | ${types.map(code).join(', ')} | ${changes} | ${where} |`;
  });
  const people = FOR_A_PERSON.map(([command, reason]) => `- ${code(command)}: ${reason}`);
  return [
    '| situation | arrow | what changes | typed in |',
    '|---|---|---|---|',
    ...rows,
    '',
    'For the person alone:',
    '',
    ...people,
  ].join('\n');
}
