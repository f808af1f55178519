import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { servesOnWhatItHas } from '../../e2e/stage/sick-token.ts';
import { PATIENCE_MS, serving } from '../../e2e/stage/site.ts';
import { withEnvironment } from '../../put-back.ts';
import { tpm2 } from './tpm2.ts';

/** More than there are within the six hours after which a new process is worth it: each leaves an object in the TPM. */
const ATTEMPTS = 9;

/** tpm2-pkcs11 keeps its objects in SQLite: in a store that is full, it answers C_GenerateKeyPair by CKR_GENERAL_ERROR. */
const FULL = "CREATE TRIGGER full BEFORE INSERT ON tobjects BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END";

test('a store of tpm2-pkcs11 that is full costs one restart, and never the session', {
  timeout: 8 * PATIENCE_MS,
}, async (t) => {
  const at = await tpm2();
  t.after(() => at.remove());
  withEnvironment(at.environment, t);
  const pin = join(at.directory, 'user-pin');
  writeFileSync(pin, at.pin, { mode: 0o600 });
  const settings = {
    'hsm.module': JSON.stringify(at.module),
    'hsm.token': JSON.stringify(at.token),
    'hsm.pin_file': JSON.stringify(pin),
  };
  const site = await serving(t, { settings });
  const store = join(at.directory, 'store', 'tpm2_pkcs11.sqlite3');
  const sql = (text: string) =>
    execFileSync('python3', [
      '-c',
      'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])',
      store,
      text,
    ]);
  await servesOnWhatItHas(site, { sicken: () => sql(FULL), heal: () => sql('DROP TRIGGER full') }, ATTEMPTS);
});
