import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker, type WorkerOptions } from '../../../hsm/worker.ts';
import { TYPESCRIPT } from '../../typescript.ts';

export const PROGRAM = [process.execPath, ...TYPESCRIPT, join(import.meta.dirname, 'worker-job.ts')];
export const PATIENCE_MS = 60_000;

export interface Calls {
  echo(...asked: readonly unknown[]): readonly unknown[];
  pid(): number;
  argv(): readonly string[];
  environment(): string;
  group(): string;
  later(ms: number, value: string): Promise<string>;
  noise(): string;
  refuse(kind: string): void;
  exit(code: number): void;
  crash(): void;
  hang(): void;
}

export interface Met {
  readonly kind: string;
  readonly code: string;
  readonly message: string;
}

type Options = WorkerOptions<Met>;
type Ends = 'after one call' | 'after a failure' | 'when told';

export const workerOf = (ends: Ends, options: Partial<Options> = {}) =>
  new Worker<Calls, Met>({
    job: [ends],
    limitMs: PATIENCE_MS,
    isQuiet: true,
    revive: (met) => Object.assign(new Error(met.message), met),
    unanswered: ({ why, how }, name) => Object.assign(new Error(`${name}: ${how}`), { why }),
    ...options,
  });

/** Whether there is such a process that is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

export async function gone(pid: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (isAlive(pid)) {
    assert.ok(performance.now() < deadline, `process ${pid} lives on`);
    await sleep(20);
  }
}
