import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import pkcs11js from 'pkcs11js';
import { type FaultyToken, faulty } from '../contract/faulty/faulty.ts';
import { prints } from './arrow.ts';
import { serving } from './stage/site.ts';

const RESTART = 'systemctl restart newleaf';

test('the token has refused the PIN, and is given that PIN again: what status prints ends it, and nothing else does', async (t) => {
  const { gateway } = await serving(t);
  const { token, stateDirectory } = gateway;
  const { pin } = token.hsm;
  await gateway.stop();
  const changed = (from: string, to: string) => {
    const { module, environment } = token.hsm;
    const args = [
      '--module',
      module,
      '--token-label',
      'newleaf',
      '--change-pin',
      '--login',
      '--pin',
      from,
      '--new-pin',
      to,
    ];
    execFileSync('pkcs11-tool', args, { env: { ...process.env, ...environment }, stdio: 'pipe' });
  };
  changed(pin, '99999999');
  // SoftHSM sets this with a failed login, and clears it with a good one.
  const wasTried = () => token.flags().includes('user PIN count low');
  await assert.rejects(gateway.start(), /CKR_PIN_INCORRECT/);
  assert.equal(wasTried(), true);
  await prints(gateway, ['status'], 'NL-TOKEN-PIN', ['/etc/newleaf/pin', RESTART]);
  changed('99999999', pin);
  assert.deepEqual(token.privateKeys(), ['newleaf-a']);
  assert.equal(wasTried(), false);
  await assert.rejects(gateway.start(), /refused this PIN before/);
  assert.equal(wasTried(), false, 'it was not tried again');
  const record = join(stateDirectory, 'refused-pin.json');
  await prints(gateway, ['status'], 'NL-TOKEN-PIN', ['/etc/newleaf/pin', `rm ${record}`, RESTART]);
  await prints(gateway, ['check', 'pin'], 'NL-TOKEN-PIN', ['/etc/newleaf/pin', `rm ${record}`, RESTART]);
  execFileSync('sh', ['-c', `rm ${record}`]);
  await gateway.start();
  await gateway.settled();
});

test('another token has refused the PIN, and the right one is back: a start is enough', async (t) => {
  const { gateway } = await serving(t);
  const { directory, environment } = gateway.token.hsm;
  await gateway.stop();
  const [tokens, away] = [join(directory, 'tokens'), join(directory, 'away')];
  renameSync(tokens, away);
  mkdirSync(tokens);
  const other = ['--init-token', '--free', '--label', 'newleaf', '--pin', '87654321', '--so-pin', '56785678'];
  execFileSync('softhsm2-util', other, { env: { ...process.env, ...environment }, stdio: 'pipe' });
  await assert.rejects(gateway.start(), /CKR_PIN_INCORRECT/);
  rmSync(tokens, { recursive: true });
  renameSync(away, tokens);
  await gateway.start();
  await gateway.settled();
});

test('one try is left: no start and no check takes it, and after a login by a person a start is enough', async (t) => {
  let hsm: FaultyToken | undefined;
  const around = (at: Parameters<typeof faulty>[0]) => {
    hsm = faulty(at);
    return hsm;
  };
  const { gateway } = await serving(t, { around });
  await gateway.stop();
  assert.ok(hsm);
  hsm.heal();
  hsm.flag(pkcs11js.CKF_USER_PIN_FINAL_TRY);
  await assert.rejects(gateway.start(), /One wrong PIN more/);
  await prints(gateway, ['status'], 'NL-TOKEN-PIN', ['/etc/newleaf/pin', RESTART]);
  await prints(gateway, ['check', 'pin'], 'NL-TOKEN-PIN', ['/etc/newleaf/pin', RESTART]);
  assert.equal(hsm.calls('C_Login'), 0);
  hsm.heal();
  await gateway.start();
  await gateway.settled();
});
