import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Kind } from './fleet.ts';
import { serving } from './pictures.ts';
import { type Played, play } from './play.ts';
import { MINUTE, STORIES } from './stories.ts';

/**
 * Plays every story by each kind of gateway, and writes README.md beside this file and the picture of the operator's page. It
 * takes hours: what was played is kept in a file, so that it goes on where it was ended.
 */
const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '10000' },
    peers: { type: 'string', default: '500' },
    kept: { type: 'string', default: join('.cache', 'fleet.jsonl') },
  },
});
const KINDS = ['newleaf', 'sample', 'edge'] as const;
/** The story whose curve is drawn. */
const DRAWN = 'all identities are deleted in the hub';
const sizeOf = (kind: Kind): number => Number(kind === 'newleaf' ? values.size : values.peers);

const all: Played[] = existsSync(values.kept) ? readFileSync(values.kept, 'utf8').trim().split('\n').map(read) : [];

function read(line: string): Played {
  const played: Played = JSON.parse(line);
  // JSON has no infinity.
  return { ...played, allMs: played.allMs ?? Number.POSITIVE_INFINITY };
}

async function playedBy(kind: Kind, story: (typeof STORIES)[number]): Promise<Played> {
  const size = sizeOf(kind);
  const kept = all.filter((one) => one.story === story.name && one.options.kind === kind && one.options.size >= size);
  if (kept[0] !== undefined) return kept[0];
  const played = await play(story, { kind, size, seed: 1 });
  mkdirSync(dirname(values.kept), { recursive: true });
  appendFileSync(values.kept, `${JSON.stringify(played)}\n`);
  return played;
}

const minutes = (ms: number): string => (ms === Number.POSITIVE_INFINITY ? 'not' : (ms / MINUTE).toFixed(1));
const each = (count: number, { options: { size } }: Played): string => (count / size).toFixed(1);

function row(own: Played, peers: readonly Played[]): string {
  const cells = [
    own.story,
    own.options.size.toLocaleString('en'),
    minutes(own.boundMs),
    minutes(own.allMs),
    (own.allMs / own.boundMs).toFixed(2),
    ...peers.map(({ allMs }) => minutes(allMs)),
    each(own.throttled, own),
    each(own.throttledAgain, own),
    ...peers.map((peer) => each(peer.throttled, peer)),
    minutes(own.worstMs),
    own.peakOfDps,
    own.peakOfHub,
  ];
  return `| ${cells.join(' | ')} |`;
}

const HEAD = [
  'story',
  'newleafs',
  'by the quotas, min',
  'newleaf, min',
  'ratio',
  'sample, min',
  'IoT Edge, min',
  '429 for each, newleaf',
  'not the first',
  'sample',
  'IoT Edge',
  'worst, min',
  'DPS, peak a second',
  'hub, peak a second',
];

const rows: string[] = [];
for (const story of STORIES) {
  const played: Played[] = [];
  for (const kind of KINDS) played.push(await playedBy(kind, story));
  const [own, ...peers] = played;
  if (own === undefined) continue;
  rows.push(row(own, peers));
  console.log(rows.at(-1));
  if (story.name === DRAWN)
    writeFileSync(join(import.meta.dirname, '..', '..', 'scripts', 'pictures', 'herd.svg'), serving(played));
}
const table = [HEAD, HEAD.map(() => '---')].map((cells) => `| ${cells.join(' | ')} |`);
const made = [
  `${values.peers} gateways of each other kind. Quotas and peaks are as large as the fleet.`,
  '',
  ...table,
  ...rows,
].join('\n');
const path = join(import.meta.dirname, 'README.md');
const text = readFileSync(path, 'utf8');
writeFileSync(
  path,
  text.replace(/(<!-- played -->\n)[\s\S]*(\n<!-- \/played -->)/, (_, begin, end) => `${begin}${made}${end}`),
);
