import { Misuse, textOption, textsOption } from '../../../agent/cli/kit/command.ts';
import { valued } from '../../../agent/cli/kit/tool.ts';
import { type Call, DAY_SECONDS, seconds } from '../command.ts';

/** So many gateways, such a share of all, or all that are left. */
export type Size = { readonly count: number } | { readonly percent: number } | 'rest';

/** How a request goes through a fleet. Times are in seconds. */
export interface Plan {
  readonly waves: readonly Size[];
  /** Devices that met the condition when it was begun: shares are of these. */
  readonly of: number;
  /** It stops at so many that are not well, or at such a share of those that were asked. */
  readonly stop: { readonly count: number } | { readonly percent: number };
  /** Between a wave that is proven and the next one. */
  readonly pause: number;
  /** How long a new session is held before its gateway counts as proven. */
  readonly hold: number;
  /** How long a gateway may take to come back, after its delay. */
  readonly wait: number;
  readonly delay: number;
  /** The enrollment of each device is promoted before it is called. */
  readonly promotes?: true;
}

export const WAVE_OPTIONS = {
  first: valued('SIZE', 'Waves: call so many first, as 10 or 1%, and the next ones once these are proven.'),
  next: { ...valued('SIZE', 'And then so many: 50, 10% or rest. May be repeated.'), multiple: true },
  'stop-after': valued('COUNT', 'Stop when so many are not well. Default 1.'),
  'stop-at': valued('SHARE', 'Stop when such a share of those asked is not well: 2%.'),
  pause: valued('TIME', 'Between waves: 30m, 90s or 2h. Default 0.'),
  hold: valued('TIME', 'How long each must hold its new session to be proven. Default 5m.'),
} as const;

const HOLD = '5m';
const WAIT_SECONDS = 300;
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** @throws Misuse where there is more of waves than their first one */
export function isWaves({ options }: Call): boolean {
  if (options.first !== undefined) return true;
  const other = Object.keys(WAVE_OPTIONS).find((name) => options[name] !== undefined);
  if (other === undefined || options.resume !== undefined) return false;
  throw new Misuse(`--${other} is for waves: say how large the first one is, --first SIZE.`);
}

/** @throws Misuse */
export function planOf(call: Call, of: number): Plan {
  const given = [textOption(call, 'first') ?? '', ...textsOption(call, 'next')];
  const waves = given.map(sizeOf);
  if (waves.slice(0, -1).includes('rest')) throw new Misuse('"rest" is the last wave: there is none to follow it.');
  return {
    waves,
    of,
    stop: stopOf(call) ?? { count: 1 },
    pause: durationOf(call, 'pause', '0s'),
    hold: durationOf(call, 'hold', HOLD),
    wait: seconds(call, 'wait', WAIT_SECONDS, DAY_SECONDS),
    delay: seconds(call, 'delay', 0, DAY_SECONDS),
  };
}

/** The plan with what the command line says otherwise. @throws Misuse */
export function replanned(call: Call, plan: Plan): Plan {
  const { options } = call;
  const stop = stopOf(call);
  return {
    ...plan,
    ...(stop && { stop }),
    ...(options.pause !== undefined && { pause: durationOf(call, 'pause', '') }),
    ...(options.hold !== undefined && { hold: durationOf(call, 'hold', '') }),
    ...(options.wait !== undefined && { wait: seconds(call, 'wait', WAIT_SECONDS, DAY_SECONDS) }),
  };
}

function sizeOf(text: string): Size {
  if (text === 'rest') return 'rest';
  const [, number = '', percent] = /^(\d+)(%?)$/.exec(text) ?? [];
  const size = Number(number);
  if (number === '' || size === 0 || (percent === '%' && size > 100)) {
    throw new Misuse(`A wave is a number of devices (10), a share of all (10%) or rest, not "${text}".`);
  }
  return percent === '%' ? { percent: size } : { count: size };
}

function stopOf(call: Call): Plan['stop'] | undefined {
  const [after, share] = [textOption(call, 'stop-after'), textOption(call, 'stop-at')];
  if (after !== undefined && share !== undefined) throw new Misuse('--stop-after and --stop-at exclude each other.');
  if (after !== undefined) {
    if (!/^[1-9]\d*$/.test(after)) throw new Misuse(`--stop-after is a number of devices, 1 or more, not "${after}".`);
    return { count: Number(after) };
  }
  if (share === undefined) return undefined;
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(share) ?? [];
  if (percent === undefined || Number(percent) === 0) throw new Misuse(`--stop-at is a share, as 2%, not "${share}".`);
  return { percent: Number(percent) };
}

function durationOf(call: Call, name: string, fallback: string): number {
  const text = textOption(call, name) ?? fallback;
  const [, number = '', unit = ''] = /^(\d+)([smh])$/.exec(text) ?? [];
  const length = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (number === '' || !(length <= DAY_SECONDS)) {
    throw new Misuse(`--${name} is a time of up to a day, as 30m, 90s or 2h, not "${text}".`);
  }
  return length;
}

/** How many devices a wave has at most. */
export function sizeIn(size: Size, of: number): number {
  if (size === 'rest') return Number.POSITIVE_INFINITY;
  return 'count' in size ? size.count : Math.ceil((of * size.percent) / 100);
}

const told = (size: Size): string => (size === 'rest' ? size : 'count' in size ? `${size.count}` : `${size.percent}%`);

/** For a person, and for the condition of each job: from there it is read again. */
export const planText = ({ waves, of, stop, pause, hold, wait, delay, promotes }: Plan): string =>
  `waves ${waves.map(told).join(' ')}; of ${of}; stop ${told(stop)}; pause ${pause}; hold ${hold}; wait ${wait}; delay ${delay}${promotes ? '; promote' : ''}`;

const PLAN =
  /^waves ([\d% a-z]+); of (\d+); stop ([\d.]+)(%?); pause (\d+); hold (\d+); wait (\d+); delay (\d+)(; promote)?$/;

/** Undefined where it is no plan. */
export function planIn(text: string): Plan | undefined {
  const [, waves, of, stop, share, pause, hold, wait, delay, promotes] = PLAN.exec(text) ?? [];
  if (waves === undefined) return undefined;
  const limit = share === '%' ? { percent: Number(stop) } : { count: Number(stop) };
  const times = { pause: Number(pause), hold: Number(hold), wait: Number(wait), delay: Number(delay) };
  return {
    waves: waves.split(' ').map(sizeOf),
    of: Number(of),
    stop: limit,
    ...times,
    ...(promotes && { promotes: true }),
  };
}
