import { hasLeaf } from '../../../agent/roll/candidate.ts';
import { PHASES, type Phase } from '../../../agent/roll/phase.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import type { Heard } from './ends.ts';
import { type Walk, walk } from './walk.ts';

/** What follows from each event: another phase, or in the same phase another candidate. */
type Ends = ReadonlyMap<string, ReadonlySet<string>>;

const CANDIDATES = ['none', 'key-wanted', 'key-made', 'key rests', 'sent', 'assigned', 'parked', 'unwanted'] as const;
type Column = (typeof CANDIDATES)[number];

function columnOf({ next }: RollState): Column {
  if (next === undefined) return 'none';
  return !hasLeaf(next) && next.rest !== undefined ? 'key rests' : next.is;
}

/** The walks whose nearest pairs are told. */
const WALKS: readonly Walk[] = [
  { enrollment: 'group' },
  { enrollment: 'individual' },
  { enrollment: 'group', byPerson: true },
];
const MOST = 2_500;

/** Phase and candidate, and what ends this standing once far side, token, disk and clock are well: event → what follows. */
export function endings(): ReadonlyMap<Phase, ReadonlyMap<Column, Ends>> {
  const found = new Map(PHASES.map((phase) => [phase, new Map<Column, Map<string, Set<string>>>()]));
  const heard: Heard = ({ state: before }, what, { state: after }) => {
    const [from, to] = [columnOf(before), columnOf(after)];
    const row = found.get(before.phase);
    const cell = row?.get(from) ?? new Map<string, Set<string>>();
    row?.set(from, cell);
    if (before.phase === after.phase && from === to) return;
    const follows = cell.get(what) ?? new Set<string>();
    cell.set(what, follows.add(before.phase === after.phase ? `(${to})` : after.phase));
  };
  for (const one of WALKS) walk({ ...one, most: MOST, heard });
  return found;
}

/** The same as a table for people: in each row a phase, in each column a candidate. */
export function endingsTable(): string {
  const found = endings();
  const cell = (phase: Phase, column: Column): string => {
    const ends = found.get(phase)?.get(column);
    if (ends === undefined) return '';
    return [...ends]
      .map(([what, follows]) => `**${what}** ${[...follows].sort().join(', ')}`)
      .sort()
      .join('<br>');
  };
  const rows = PHASES.map(
    (phase) => `| \`${phase}\` | ${CANDIDATES.map((column) => cell(phase, column)).join(' | ')} |`,
  );
  return [`| | ${CANDIDATES.join(' | ')} |`, `|---|${'---|'.repeat(CANDIDATES.length)}`, ...rows].join('\n');
}
