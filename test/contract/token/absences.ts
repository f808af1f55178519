import assert from 'node:assert/strict';
import { existsSync, mkdtempSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { Absence } from './absence.ts';
import { signers } from './signer.ts';
import type { TestToken } from './softhsm.ts';

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
      for (const absence of at.absences) await t.test(absence.what, (t) => liveThrough(t, at, absence));
    });
  });
}

const meets = (met: string, expected: string): void =>
  assert.ok(expected.split(' or ').includes(met), `${met}, and not ${expected}`);

async function liveThrough(t: TestContext, at: TestToken, absence: Absence): Promise<void> {
  const pinRecord = mkdtempSync(join(at.directory, 'state-'));
  const user = await signers(t, at, 'newleaf-a', pinRecord);
  const before = user();
  const has = await before.hears();
  assert.match(has, /^has [0-9a-f]{32}$/);
  assert.equal(await before.asked('sign'), 'signed');

  await absence.leave();
  const label = basename(pinRecord);
  let made = '';
  try {
    meets(await before.asked('sign'), absence.open.away);
    made = await before.asked(`make ${label}`);
    assert.match(made, /^(poisoned|failed|has [0-9a-f]{32})$/);
    const meanwhile = user();
    assert.match(await meanwhile.hears(), /^(missing|failed)$/);
    assert.deepEqual(meanwhile.logins(), []);
  } finally {
    await absence.comeBack();
  }
  meets(await before.asked('sign'), absence.open.back);

  const next = user();
  assert.equal(await next.hears(), has);
  assert.equal(await next.asked('sign'), 'signed');
  assert.equal(await next.asked(`find ${label}`), made.startsWith('has') ? made : 'has undefined');
  for (const one of [before, next]) assert.deepEqual(one.logins(), ['CKR_OK']);
  assert.ok(!existsSync(join(pinRecord, 'refused-pin.json')), 'a PIN counts as refused');
}
