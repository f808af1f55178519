import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { bundled } from './bench.ts';
import { SPY } from './refusals.ts';
import type { TestToken } from './softhsm.ts';

/** What `sign-child` is told. */
export interface Asked {
  readonly module: string;
  readonly token: string;
  readonly pin: string;
  /** Directory of the note about a refused PIN. */
  readonly pinRecord: string;
  /** Of the key that it signs with; made where it is not there. */
  readonly label: string;
}

/** Longer than any module takes to say that its token is away. */
const PATIENCE_MS = 20_000;

/** Another process that has the token open, and does what it is asked for (sign-child.ts). It ends with the test. */
export interface Signer {
  /** What it says next; "hangs" where it says nothing. */
  hears(): Promise<string>;
  /** Asks it for something, and returns what it says. */
  asked(words: string): Promise<string>;
  /** What each of its logins was answered. */
  logins(): readonly (string | undefined)[];
}

/**
 * Gives what starts such processes.
 * @param label of the key that they sign with
 * @param pinRecord directory of the note about a refused PIN
 */
export async function signers(
  t: TestContext,
  at: TestToken,
  label: string,
  pinRecord = at.directory,
): Promise<() => Signer> {
  const command = await bundled('sign-child', at.directory);
  return () => start(t, at, command, { module: SPY, token: at.token, pin: at.pin, pinRecord, label });
}

function start(t: TestContext, at: TestToken, [program = '', ...args]: readonly string[], told: Asked): Signer {
  const log = join(mkdtempSync(join(told.pinRecord, 'process-')), 'spy.log');
  const env = { ...process.env, ...at.environment, PKCS11SPY: at.module, PKCS11SPY_OUTPUT: log };
  const child = spawn(program, [...args, JSON.stringify(told)], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  // What it has been told to do goes nowhere when it has ended.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  t.after(() => child.kill('SIGKILL'));
  const logins = () => {
    const calls = existsSync(log) ? readFileSync(log, 'utf8') : '';
    return [...calls.matchAll(/: C_Login$.*?^Returned: +\d+ (\w+)/gms)].map(([, answer]) => answer);
  };
  const hears = async () => {
    const said = lines.next().then(({ value }) => String(value));
    return Promise.race([said, setTimeout(PATIENCE_MS, 'hangs', { ref: false })]);
  };
  const asked = (words: string) => {
    child.stdin.write(`${words}\n`);
    return hears();
  };
  return { hears, asked, logins };
}
