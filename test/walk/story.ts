import type { Answer } from '../../agent/roll/core/memory.ts';
import type { RollEffect } from '../../agent/roll/state.ts';
import { HOUR, NOW, type Node, type Pair } from './pair.ts';
import type { Slots } from './world.ts';

/** The way to a pair, a line for each event. */
export function storyOf(node: Node | undefined): string {
  const lines: string[] = [];
  for (let at = node; at !== undefined; at = at.from) lines.unshift(`  ${at.via} → ${at.state.phase} (${briefly(at)})`);
  return lines.join('\n');
}

const keys = (slots: Slots): string =>
  Object.entries(slots)
    .map(([slot, id]) => `${slot} ${id.slice(-4)}`)
    .join(' ') || 'empty';

const flight = (effect: RollEffect): string =>
  `${effect.kind} ${'leaf' in effect ? effect.leaf.thumbprint : (effect.kind === 'generate-key' ? effect.id : effect.key.id).slice(-4)}`;

const told = ([question, { verdict, failure, times, again }]: readonly [string, Answer]): string =>
  `${question} ${verdict}${times > 1 ? ` ${times}x` : ''}${failure ? ` ${failure.code}` : ''}${again ? ' again' : ''}`;

/** The outside, the memory and the flights in a few words. */
function briefly({ world, memory, flying, plan, at, up }: Pair): string {
  const { token, drawer, pinned, enrolled } = world;
  const { current, next, old, trusts, ask, answers } = memory;
  const flights = [flying.work, flying.session].flatMap((one) => (one ? [flight(one)] : []));
  const because =
    next && `${next.because ?? ''}${next.isForPerson ? ' person' : ''}${next.isDiscarded ? ' discarded' : ''}`;
  return [
    `${((at - NOW) / HOUR).toFixed(2)} h`,
    `token ${keys(token)}`,
    ...(drawer === undefined ? [] : [`another ${keys(drawer)}`]),
    ...(['keeps', 'isFull', 'isMoved'] as const).filter((flag) => world[flag]),
    `DPS ${pinned?.thumbprint ?? 'none'}`,
    `hub ${world.hub ?? 'none'}`,
    ...(enrolled === 'all' ? [] : [`enrolled ${enrolled.join(' ')}`]),
    ...(world.enabled ? [] : ['disabled']),
    `current ${current?.thumbprint ?? 'none'}`,
    ...(next
      ? [`next ${next.key.id.slice(-4)} ${next.isMade ? 'made ' : ''}${next.leaf?.thumbprint ?? ''} ${because}`]
      : []),
    ...(old.length > 0
      ? [`old ${old.map(({ id, isRemembered }) => `${id.slice(-4)}${isRemembered ? '!' : ''}`).join(' ')}`]
      : []),
    `trusts ${trusts.map(({ thumbprint, isNew }) => `${thumbprint}${isNew ? '?' : ''}`).join(' ')}`,
    ...(ask ? [`ask ${ask.request.action} ${ask.request.from}`] : []),
    ...(memory.online ? [`online ${memory.online}`] : []),
    `at ${memory.at.current?.hub ?? '-'} ${memory.at.next?.hub ?? '-'}`,
    ...(Object.entries(answers) as [string, Answer][]).map(told),
    `flying ${flights.join(', ') || 'nothing'}`,
    `next look in ${((plan.nextAt - up) / 60_000).toFixed(1)} min`,
  ].join(', ');
}
