import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Absence } from './absence.ts';
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
const PATIENCE_MS = 10_000;

/**
 * What is promised where the token, or the server behind its module, goes away between two signatures. Whoever has it open
 * is told to restart, or served on; a new process says that it is not there, and finds its key when it is back. Nobody
 * hangs, no key is made that is lost later, and no login is refused: that would cost a try, or stop newleaf for ever.
 */
export function absenceContract(name: string, open: () => TestToken | Promise<TestToken>): void {
  suite(name, () => {
    test('the token goes away and comes back', async (t) => {
      const at = await open();
      t.after(() => at.remove());
      const command = await bundled('sign-child', at.directory);
      for (const absence of at.absences) {
        await t.test(absence.what, (t) => liveThrough(t, at, command, absence));
      }
    });
  });
}

async function liveThrough(t: TestContext, at: TestToken, command: readonly string[], absence: Absence) {
  const pinRecord = mkdtempSync(join(at.directory, 'state-'));
  const user = () => start(t, at, command, pinRecord);
  const before = user();
  const has = await before.hears();
  assert.match(has, /^has [0-9a-f]{32}$/);
  assert.equal(await before.asked('sign'), 'signed');

  await absence.leave();
  const label = basename(pinRecord);
  let made = '';
  try {
    assert.equal(await before.asked('sign'), absence.open.away);
    made = await before.asked(`make ${label}`);
    assert.match(made, /^(poisoned|failed|has [0-9a-f]{32})$/);
    const meanwhile = user();
    assert.match(await meanwhile.hears(), /^(missing|failed)$/);
    assert.deepEqual(meanwhile.logins(), []);
  } finally {
    await absence.comeBack();
  }
  assert.equal(await before.asked('sign'), absence.open.back);

  const next = user();
  assert.equal(await next.hears(), has);
  assert.equal(await next.asked('sign'), 'signed');
  assert.equal(await next.asked(`find ${label}`), made.startsWith('has') ? made : 'has undefined');
  for (const one of [before, next]) assert.deepEqual(one.logins(), ['CKR_OK']);
  assert.ok(!existsSync(join(pinRecord, 'refused-pin.json')), 'a PIN counts as refused');
}

/** A process that has the token open. */
function start(t: TestContext, at: TestToken, [program = '', ...args]: readonly string[], pinRecord: string) {
  const { token, pin } = at;
  const log = join(mkdtempSync(join(pinRecord, 'process-')), 'spy.log');
  const env = { ...process.env, ...at.environment, PKCS11SPY: at.module, PKCS11SPY_OUTPUT: log };
  const told: Asked = { module: SPY, token, pin, pinRecord, label: 'newleaf-a' };
  const child = spawn(program, [...args, JSON.stringify(told)], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  // What it has been told to do goes nowhere when it has ended.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  t.after(() => child.kill('SIGKILL'));
  /** What each login was answered. */
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
