import { parseArgs } from 'node:util';
import { type Played, play } from './play.ts';
import { MINUTE, STORIES } from './stories.ts';

/** Plays every story by each kind of gateway, and prints what came of it as Markdown. */
const { values } = parseArgs({
  options: { size: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const [size, seed] = [Number(values.size), Number(values.seed)];
const KINDS = ['newleaf', 'sample', 'edge'] as const;

const minutes = (ms: number): string => (ms === Number.POSITIVE_INFINITY ? 'not' : (ms / MINUTE).toFixed(1));
const each = (count: number): string => (count / size).toFixed(1);

function row(played: readonly Played[]): string {
  const [own] = played;
  if (own === undefined) throw new Error('nothing was played');
  const cells = [
    own.story,
    minutes(own.boundMs),
    ...played.map(({ allMs }) => minutes(allMs)),
    (own.allMs / own.boundMs).toFixed(2),
    minutes(own.worstMs),
    ...played.map(({ throttled }) => each(throttled)),
    each(own.throttledAgain),
    own.peakOfDps,
    own.peakOfHub,
  ];
  return `| ${cells.join(' | ')} |`;
}

const HEAD = [
  'story',
  'by the quotas, min',
  ...KINDS.map((kind) => `${kind}, min`),
  'newleaf, ratio',
  'worst, min',
  ...KINDS.map((kind) => `429, ${kind}`),
  'of these not the first',
  'peak, DPS a second',
  'peak, hub a second',
];

console.log([HEAD, HEAD.map(() => '---')].map((cells) => `| ${cells.join(' | ')} |`).join('\n'));
for (const story of STORIES) {
  const played: Played[] = [];
  for (const kind of KINDS) played.push(await play(story, { kind, size, seed }));
  console.log(row(played));
}
