import { Gateway, MINUTE } from '../search/gateway.ts';
import { judge, type Verdict } from './asks.ts';
import { Letters, type Told } from './letters.ts';
import { originOf, type Row } from './row.ts';
import { unsaid, wordsOf } from './says.ts';
import { Stage } from './step.ts';

export interface Played {
  /** What is not as the row says; empty where all is. */
  readonly wrong: readonly string[];
  /** What was asked from then on, with minutes. */
  readonly asked: string;
  readonly words: readonly string[];
}

const SECOND = 1_000;
/** A gateway that begins with a leaf has opened its session by then. */
const BEGUN_MS = 10 * SECOND;

/** By then the last call has been answered. */
const ANSWERED_MS = 2 * SECOND;
/** So long is told where nothing is expected. */
const TOLD_MS = 120 * MINUTE;

/** Plays a row; without `asks` for two hours, which tells what would be asked. */
export async function play({ begins, happens, asks, beside, says }: Row): Promise<Played> {
  const origin = originOf(begins);
  const gateway = new Gateway(origin);
  const stage = new Stage(gateway, new Letters(gateway));
  const { clock } = gateway;
  const start = happens.indexOf('start');
  for (const step of happens.slice(0, Math.max(0, start))) await stage.take(step);
  gateway.start();
  if (start === -1) await clock.pass(origin.begins === 'new' ? 0 : BEGUN_MS);
  for (const step of happens.slice(start + 1)) await stage.take(step);
  const since = clock.monotonic();
  const { length } = gateway.world.asked;
  const told = () => stage.letters.told(length).filter(({ call }) => !beside.includes(call));
  let verdict: Verdict = { is: asks === '' ? 'done' : 'waiting' };
  if (asks === '') await clock.pass(TOLD_MS);
  while (verdict.is === 'waiting') {
    await clock.pass(SECOND);
    verdict = judge(asks, told(), since, clock.monotonic());
  }
  const asked = inWords(told(), since);
  await clock.pass(ANSWERED_MS);
  const words = await wordsOf(stage);
  const wrong = [
    ...(verdict.is === 'wrong' ? [verdict.why] : []),
    ...unsaid(says, words).map((word) => `status does not say "${word}"`),
    ...gateway.broken,
  ];
  gateway.stop();
  return { wrong, asked, words: [...words] };
}

/** More calls in a row than this are told as one, with the minutes to the last of them. */
const IN_FULL = 4;

/** The same words as those of a row. */
function inWords(told: readonly Told[], since: number): string {
  const runs: Told[][] = [];
  for (const one of told) {
    const last = runs.at(-1);
    if (last?.[0]?.call === one.call) last.push(one);
    else runs.push([one]);
  }
  let from = since;
  const words = runs.flatMap((run) => {
    const times = run.length > IN_FULL ? ` x${run.length}` : '';
    return (times === '' ? run : run.slice(-1)).map(({ call, at }) => {
      const minutes = ((at - from) / MINUTE).toFixed(1);
      from = at;
      return `${call}${times} ${minutes}`;
    });
  });
  return words.join(', ');
}
