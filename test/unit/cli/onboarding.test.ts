import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellOperator } from '../../../agent/cli/onboarding.ts';
import type { Code } from '../../../agent/failure/failure.ts';

const TOLD = { thumbprint: 'AB'.repeat(32), issuer: 'CN=Factory', notAfter: '2031-01-01T00:00:00.000Z' };

/** What is said on the screen, and whether the operator is waited for. */
async function shown(code: Code, isRead = true): Promise<{ readonly waits: boolean; readonly said: string }> {
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  const screen = { width: 80, isColoured: false, isUnicode: false };
  const running = { daemon: { onboarding: { told: isRead ? TOLD : undefined } } };
  const waits = await tellOperator({ dialogue: { paragraph: say, copy: say, screen }, running }, code);
  return { waits, said: lines.join('\n') };
}

test('what the operator of DPS does where Azure has issued no leaf', async () => {
  const rows: readonly (readonly [code: Code, said: RegExp])[] = [
    [
      'NL-DPS-401002',
      /enrolls its issuer .*CN=Factory.*group create .*--adr-ca-name CA .*add group GROUP .*--issuing-policy/s,
    ],
    ['NL-AZURE-POLICY', /names the policy .*group update .*set-policy GROUP NS\/CA\/POLICY$/s],
    ['NL-DPS-DISABLED', /enables its enrollment:\n\n {2}SHA-256 .*2031-01-01T00:00:00\.000Z$/s],
  ];
  for (const [code, said] of rows) {
    const found = await shown(code);
    assert.match(found.said, said);
    assert.equal(found.waits, true);
  }
});

test('nothing is shown, and no operator is waited for, where something else is wrong', async () => {
  for await (const found of [
    shown('NL-AZURE-REFUSED'),
    shown('NL-ONBOARDING-EXPIRED'),
    shown('NL-DPS-401002', false),
  ]) {
    assert.deepEqual(found, { waits: false, said: '' });
  }
});
