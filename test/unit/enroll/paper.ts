import { setTimeout as sleep } from 'node:timers/promises';
import type { Desk } from '../../../scripts/enrollment/desk.ts';
import { enroll } from '../../../scripts/enrollment/main.ts';

export interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What stderr says, whatever the lines it is broken into. */
  readonly said: string;
  /** All pauses together, in milliseconds. */
  readonly sleptMs: number;
  /** Of the process so far; 0 where it is that of the test. */
  readonly cpuMs: number;
  readonly peakMib: number;
}

export interface Setting {
  readonly env?: NodeJS.ProcessEnv;
  /** That of the process, too: where libraries look, and the programs that they start. */
  readonly isWhole?: boolean;
  /** What somebody at the terminal types; nobody is there where it is left out. */
  readonly answer?: string;
  readonly isTTY?: boolean;
  /** The person presses Ctrl-C when stderr has these words. */
  readonly interruptAt?: string;
  readonly now?: () => number;
  /** Pauses take no time; the clock goes on by them. */
  readonly isHurried?: boolean;
  /** Pauses take a tenth of a second at most; the clock does not go on by them. */
  readonly isPaced?: boolean;
}

const POLL_MS = 20;

/** Runs one command line in this process, on paper. */
export async function onPaper(
  argv: readonly string[],
  { env = {}, answer, isTTY = false, interruptAt, now = Date.now, isHurried = false, isPaced = false }: Setting = {},
): Promise<Told> {
  const written = { out: '', err: '' };
  let sleptMs = 0;
  let interrupt = (): void => {};
  const paper = (name: 'out' | 'err') => ({
    isTTY,
    write: (text: string) => {
      written[name] += text;
      if (interruptAt !== undefined && written.err.includes(interruptAt)) interrupt();
    },
  });
  const desk: Desk = {
    env,
    out: paper('out'),
    err: paper('err'),
    pollMs: POLL_MS,
    now: () => now() + (isHurried ? sleptMs : 0),
    sleep: (ms, signal) => {
      sleptMs += ms;
      return sleep(isHurried ? 0 : isPaced ? Math.min(ms, 100) : ms, undefined, signal && { signal }).catch(() => {});
    },
    onInterrupt(heard) {
      interrupt = heard;
      return () => {
        interrupt = () => {};
      };
    },
    ...(answer !== undefined && {
      ask: async (question: string) => {
        written.err += `${question}${answer}\n`;
        return answer;
      },
    }),
  };
  const code = await enroll(argv, desk);
  return { code, ...written, cpuMs: 0, peakMib: 0, sleptMs, said: written.err.replaceAll(/\s+/g, ' ') };
}
