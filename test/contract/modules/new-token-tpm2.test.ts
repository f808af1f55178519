import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { askAs } from '../../../agent/cli/proof/apart.ts';
import { startedBy } from '../../../hsm/job.ts';
import { BUNDLE } from '../../e2e/stage/gateway.ts';
import { setEnvironment, withEnvironment } from '../../put-back.ts';
import type { TestToken } from '../token/softhsm.ts';
import { tpm2 } from './tpm2.ts';

const NODE = process.env.NEWLEAF_TEST_NODE ?? process.execPath;
const PINS = { pin: '0123456789abcdef0123456789abcdef', soPin: 'fedcba9876543210fedcba9876543210' };

suite('newleaf init makes a token in a TPM', () => {
  let hsm: TestToken;
  let putBack: () => void;
  before(async () => {
    startedBy([NODE, BUNDLE]);
    hsm = await tpm2();
    putBack = setEnvironment(hsm.environment);
  });
  after(() => {
    hsm.remove();
    putBack();
  });

  test('the module always has a slot for another; the token opens with its PIN, and with no other', async () => {
    const { module, directory } = hsm;
    const place = { module, token: 'gateway', uri: undefined, notes: directory, tls: 'auto' } as const;
    const asked = { module, label: 'gateway', ...PINS };
    await askAs({}, 'makeToken', asked);
    const shown = (await askAs({}, 'tokens', module)).map(({ label, isInitialised, hasPin }) => [
      label,
      isInitialised,
      hasPin,
    ]);
    assert.deepEqual(shown.toSorted(), [
      ['', false, false],
      ['gateway', true, true],
      ['newleaf', true, true],
    ]);
    await askAs({}, 'login', { ...place, pin: PINS.pin });
    await assert.rejects(askAs({}, 'login', { ...place, pin: 'wrong-one' }), /NL-TOKEN-PIN/);
    await assert.rejects(askAs({}, 'makeToken', asked), /There is a token "gateway" already/);
  });

  test('where there is no store at all, the free slot is shown, and nothing is left behind', async (t) => {
    const home = join(hsm.directory, 'home');
    mkdirSync(home);
    withEnvironment({ TPM2_PKCS11_STORE: undefined, HOME: home }, t);
    const shown = await askAs({}, 'tokens', hsm.module);
    assert.deepEqual(
      shown.map(({ label, isInitialised }) => [label, isInitialised]),
      [['', false]],
    );
    assert.deepEqual(readdirSync(home), []);
  });

  test('a store that is not there yet is made', async (t) => {
    withEnvironment({ TPM2_PKCS11_STORE: `${hsm.directory}/deep/store` }, t);
    assert.equal((await askAs({}, 'tokens', hsm.module)).length, 1);
  });
});
