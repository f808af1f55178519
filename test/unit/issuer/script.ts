import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Failure, Fault } from '../../../agent/failure/failure.ts';
import { type CommandSettings, createCommand } from '../../../agent/issuer/command.ts';
import { scratch } from '../state/disk.ts';

/** A request; what it says is between CA and operator. */
export const CSR = '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n';

export interface Staged {
  readonly directory: string;
  readonly logged: string[];
  /** What is kept between two calls. */
  cookie: string | undefined;
  issue(csr?: string, abort?: AbortSignal): Promise<string>;
}

/** A shell script, run as the operator's command. It finds its own directory in $HERE. */
export function script(t: TestContext, body: string, change: Partial<CommandSettings> = {}): Staged {
  const directory = scratch(t);
  const file = join(directory, 'sign');
  writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o700 });
  const staged: Staged = {
    directory,
    logged: [],
    cookie: undefined,
    issue: (csr = CSR, abort = new AbortController().signal) => command.issue(csr, abort),
  };
  const command = createCommand({
    argv: [file, 'first argument', '$second'],
    environment: async () => ({ HERE: directory, NEWLEAF_REGISTRATION_ID: 'gw-0001' }),
    cookies: {
      read: async () => staged.cookie,
      async write(cookie) {
        staged.cookie = cookie;
      },
    },
    deadlineMs: 20_000,
    log: (line) => staged.logged.push(line),
    ...change,
  });
  return staged;
}

/** The failure that a call must end with. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(() => assert.fail('it was issued')).catch((cause: unknown) => cause);
  assert.ok(error instanceof Fault, `threw ${error}`);
  return error.failure;
}
