import { setTimeout as sleep } from 'node:timers/promises';
import type { Desk } from '../../../scripts/enrollment/desk.ts';
import { enroll } from '../../../scripts/enrollment/main.ts';

export interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What stderr says, whatever the lines it is broken into. */
  readonly said: string;
}

export interface Setting {
  readonly env?: NodeJS.ProcessEnv;
  /** What somebody at the terminal types; nobody is there where it is left out. */
  readonly answer?: string;
  readonly isTTY?: boolean;
  /** Somebody presses Ctrl-C as soon as the command listens for it. */
  readonly interrupts?: boolean;
  readonly now?: () => number;
}

const POLL_MS = 20;

/** Runs one command line in this process, on paper. */
export async function onPaper(
  argv: readonly string[],
  { env = {}, answer, isTTY = false, interrupts = false, now = Date.now }: Setting = {},
): Promise<Told> {
  const written = { out: '', err: '' };
  const paper = (name: 'out' | 'err') => ({
    isTTY,
    write: (text: string) => {
      written[name] += text;
    },
  });
  const desk: Desk = {
    env,
    out: paper('out'),
    err: paper('err'),
    pollMs: POLL_MS,
    now,
    sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => {}),
    onInterrupt(heard) {
      if (interrupts) setImmediate(heard);
      return () => {};
    },
    ...(answer !== undefined && {
      ask: async (question: string) => {
        written.err += `${question}${answer}\n`;
        return answer;
      },
    }),
  };
  const code = await enroll(argv, desk);
  return { code, ...written, said: written.err.replaceAll(/\s+/g, ' ') };
}
