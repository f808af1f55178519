import { MINUTE } from '../search/gateway.ts';
import type { Told } from './letters.ts';

/** Whether the order is as it is to be: so far, to its end, or not; then it says where. */
export type Verdict = { readonly is: 'waiting' | 'done' } | { readonly is: 'wrong'; readonly why: string };

interface Ask {
  readonly call: string;
  /** `*` is once or more. */
  readonly times: number | '*';
  /** Minutes after the one before it. */
  readonly from: number;
  readonly to: number;
}

/** A call that no time is named for comes within so many minutes. */
const LIMIT = 180;

/**
 * `make b, issue b 5-7, connect b x10, connect a *, nothing 60`: minutes are counted from the call before, and for the first
 * from the moment when all has happened; x10 is ten in a row, and * one or more, of which the last has the time; nothing 60 is an hour without a
 * call.
 */
const asksOf = (asks: string): readonly Ask[] =>
  asks.split(', ').map((text) => {
    const parts = /^(.+?)(?: (x\d+|\*))?(?: ([\d.]+)(?:-([\d.]+))?)?$/.exec(text);
    const [, call = '', times, from, to = from] = parts ?? [];
    const many = times === undefined ? 1 : times === '*' ? times : Number(times.slice(1));
    return { call, times: many, from: Number(from ?? 0), to: Number(to ?? LIMIT) };
  });

/** Compares what was asked since a moment. @param now milliseconds, as those of the calls */
export function judge(asks: string, told: readonly Told[], since: number, now: number): Verdict {
  let [index, before] = [0, since];
  for (const { call, times, from, to } of asksOf(asks)) {
    const next = told[index];
    const end = before + to * MINUTE;
    if (call === 'nothing') {
      if (next !== undefined && next.at < end) return { is: 'wrong', why: `nothing was to be asked for ${to} min` };
      if (now < end) return { is: 'waiting' };
      before = end;
      continue;
    }
    const others = told.slice(index).findIndex((one) => one.call !== call);
    const found = others === -1 ? told.length - index : others;
    const wanted = times === '*' ? Math.max(1, found) : times;
    const last = told[index + wanted - 1];
    // Another may follow within its time.
    if (times === '*' && others === -1 && now <= end) return { is: 'waiting' };
    if (found < wanted && others !== -1) return { is: 'wrong', why: `"${call}" was to come` };
    if (found < wanted || last === undefined)
      return now > end ? { is: 'wrong', why: `"${call}" was to come within ${to} min` } : { is: 'waiting' };
    if (last.at < before + from * MINUTE || last.at > end)
      return { is: 'wrong', why: `"${call}" was to come after ${from} to ${to} min` };
    [index, before] = [index + wanted, last.at];
  }
  return { is: 'done' };
}
