import { exitOfStatus } from '../../agent/cli/status/wrong.ts';
import type { Status } from '../../agent/roll/report.ts';
import type { Stage } from './step.ts';

/** All that may be said of a gateway, each in the words of a row. */
export async function wordsOf({ gateway, letters, answer }: Stage): Promise<ReadonlySet<string>> {
  const told = await gateway.daemon?.answer({ kind: 'status' });
  if (told?.is !== 'status') return new Set(['no process']);
  const { status } = told;
  const { phase, person, online, wrong, alarm, last, scheduled, leaf, next } = status;
  // What was asked first is named first.
  letters.told();
  const places = [...(gateway.world.token.card?.keys ?? [])].map(
    ([slot, id]) => [letters.keyOf({ id }), slot] as const,
  );
  return new Set([
    phase,
    person ? 'person' : 'no person',
    online ? 'online' : 'offline',
    `exit ${exitOfStatus(status)}`,
    ...(wrong.length === 0 ? ['all is well'] : wrong.map(({ code }) => code)),
    ...(alarm === undefined ? ['no alarm'] : [`alarm ${alarm}`]),
    ...(last === undefined ? ['nothing ended'] : endOf(last)),
    ...(scheduled === undefined ? [] : ['scheduled']),
    ...(answer === undefined ? [] : [`answer ${answer.is}`]),
    ...(answer && 'failure' in answer ? [`answer ${answer.failure.code}`] : []),
    ...places.map(([key, slot]) => `${key} in slot ${slot}`),
    `keys ${places
      .map(([key]) => key)
      .sort()
      .join('')}`,
    ...(status.trouble?.askAt === undefined ? [] : ['pause named']),
    `leaf ${letters.named(leaf?.thumbprint)}`,
    `next ${letters.named(next?.leaf?.thumbprint)}`,
    `restarts ${gateway.restarts}`,
  ]);
}

/** How the last request ended, also with why it began. */
const endOf = ({ outcome, code, reason }: NonNullable<Status['last']>): readonly string[] => [
  `ended ${outcome}`,
  `ended ${reason} ${outcome}`,
  ...(code === undefined ? [] : [`ended ${outcome} ${code}`]),
];

/** What of a row is not said; `not NL-…` is not to be. */
export const unsaid = (says: readonly string[], words: ReadonlySet<string>): readonly string[] =>
  says.filter((word) => (word.startsWith('not ') ? words.has(word.slice('not '.length)) : !words.has(word)));
