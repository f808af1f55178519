import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { TYPESCRIPT } from '../typescript.ts';

const CALLER = new URL('official-caller.ts', import.meta.url).pathname;

export type ClientName = 'dps' | 'registry' | 'client' | 'jobs';

/** One call of an official client, with its arguments as JSON. */
export interface OfficialCall {
  readonly client: ClientName;
  readonly connection: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What came of it: for a query the pages, else the body of the answer. */
export type OfficialAnswer =
  | { readonly value: unknown }
  | {
      readonly refused: {
        readonly name: string;
        readonly status?: number;
        readonly body?: string;
        readonly message: string;
      };
    };

/** The body of an answer, or a failed test. */
export async function bodyOf<T>(answer: Promise<OfficialAnswer>): Promise<T> {
  const got = await answer;
  assert.ok('value' in got, JSON.stringify(got));
  return got.value as T;
}

/** Name of the error, status of HTTP and body of a refusal; a failed test where there is none. */
export async function refusalOf(answer: Promise<OfficialAnswer>): Promise<[string, number | undefined, string]> {
  const got = await answer;
  assert.ok('refused' in got, JSON.stringify(got));
  const { name, status, body = '{}' } = got.refused;
  return [name, status, body];
}

/**
 * The official clients, unmodified, in a process of their own: a CA that they trust must be named by NODE_EXTRA_CA_CERTS
 * before a process begins.
 */
export class Official {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #directory: string;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, directory: string) {
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    this.#directory = directory;
  }

  static async start(trustPem: string): Promise<Official> {
    const directory = await mkdtemp(join(tmpdir(), 'official-'));
    const trust = join(directory, 'trust.pem');
    await writeFile(trust, trustPem);
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: trust };
    const child = spawn(process.execPath, [...TYPESCRIPT, CALLER], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    return new Official(child, directory);
  }

  /** One at a time. */
  async call(call: OfficialCall): Promise<OfficialAnswer> {
    this.#child.stdin.write(`${JSON.stringify(call)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process of the official clients has ended');
    return JSON.parse(value);
  }

  async stop(): Promise<void> {
    // Ctrl-C at a terminal has ended it already.
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.stdin.end();
      await exited;
    }
    await rm(this.#directory, { recursive: true });
  }
}
