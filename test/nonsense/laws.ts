import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import v8 from 'node:v8';
import vm from 'node:vm';
import fc from 'fast-check';
import { CODES, Fault } from '../../agent/failure/failure.ts';
import { inputsFrom } from './inputs.ts';
import { Watch } from './watch.ts';

/** What reads something from outside. */
export interface Reader {
  /** Its folder in `corpus/`. */
  readonly name: string;
  /** What is right: nonsense is made of it. */
  readonly seeds: readonly [Buffer, ...Buffer[]];
  /** @throws where a law is broken */
  read(input: Buffer): void | Promise<void>;
}

export const INPUTS = Number(process.env.INPUTS ?? 100_000);
export const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

const CORPUS = join(import.meta.dirname, 'corpus');
/** Of CPU, for one input, in milliseconds. */
const LONGEST_MS = 1_000;
/** What the heap and the buffers may gain from the first quarter on, in MiB: V8 has counters and code of its own. */
const MOST_GAINED = 4;
/** So many inputs come from one seed of fast-check. */
const CHUNK = 2_000;

v8.setFlagsFromString('--expose-gc');
const collect: () => void = vm.runInNewContext('gc');

/** Nonsense for one reader: what was found before, then `count` inputs. No law is broken by any of them. */
export async function hear(t: TestContext, reader: Reader, count: number): Promise<void> {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => void uncaught.push(error);
  process.on('unhandledRejection', note).on('uncaughtException', note);
  using watch = new Watch(reader.name);
  let most = 0;
  const read = async (input: Buffer) => {
    watch.begin(input);
    const before = process.cpuUsage();
    await reader.read(input);
    const { user, system } = process.cpuUsage(before);
    most = Math.max(most, (user + system) / 1_000);
    assert.ok((user + system) / 1_000 < LONGEST_MS, `${(user + system) / 1_000} ms of CPU`);
    assert.deepEqual(uncaught.splice(0), [], 'uncaught');
  };
  try {
    for (const [name, input] of found(reader.name)) {
      await assert.doesNotReject(async () => read(input), `corpus/${reader.name}/${name}`);
    }
    const inputs = inputsFrom(reader.seeds);
    const step = Math.min(CHUNK, Math.ceil(count / 8));
    let before = 0;
    for (let from = 0; from < count; from += step) {
      if (before === 0 && from * 4 >= count) before = used();
      const numRuns = Math.min(step, count - from);
      await fc.assert(fc.asyncProperty(inputs, read), { numRuns, seed: SEED + from });
    }
    const gained = used() - (before === 0 ? used() : before);
    t.diagnostic(`${count} inputs, at most ${most.toFixed(0)} ms of CPU for one, ${gained.toFixed(1)} MiB gained`);
    assert.ok(gained < MOST_GAINED, `${gained} MiB gained`);
  } finally {
    process.off('unhandledRejection', note).off('uncaughtException', note);
  }
}

/** Inputs that have broken a law once. */
function found(name: string): readonly (readonly [string, Buffer])[] {
  const directory = join(CORPUS, name);
  const files = existsSync(directory) ? readdirSync(directory).toSorted() : [];
  return files.map((file) => [file, readFileSync(join(directory, file))]);
}

/** MiB on the heap and in buffers, without garbage. */
function used(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** What no text for a screen may have. */
const CONTROL = /(?![\n\t])[\p{Cc}`]/u;

/** A refusal: a Fault with a code of the list, one of these, and words that a screen can show. */
export function assertRefusal(error: unknown, codes: RegExp): void {
  assert.ok(error instanceof Fault, `threw ${error instanceof Error ? error.stack : error}`);
  const { code, message, advice, cause = '' } = error.failure;
  assert.ok(code in CODES && codes.test(code), code);
  assert.match(message, /\S/);
  assert.doesNotMatch(message + cause, CONTROL);
  assert.doesNotMatch(advice, /undefined|\[object/);
  assert.ok(cause.length <= 300, 'a long cause');
}
