import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT } from '../../../agent/failure/exit.ts';
import { lastWords } from '../../../agent/state/last-words.ts';
import { holds } from '../../e2e/stage/holds.ts';
import { PATIENCE_MS, type Serving, serving } from '../../e2e/stage/site.ts';
import { withEnvironment } from '../../put-back.ts';
import { tpm2 } from './tpm2.ts';

/** More than there are within the six hours after which a new process is worth it: each leaves an object in the TPM. */
const ATTEMPTS = 9;

/** tpm2-pkcs11 keeps its objects in SQLite: in a store that is full, it answers C_GenerateKeyPair by CKR_GENERAL_ERROR. */
const FULL = "CREATE TRIGGER full BEFORE INSERT ON tobjects BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END";

/** As one line: a screen breaks them where it likes. */
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** A token that can be made unable to make a key, and able again. */
interface Sickness {
  sicken(): void;
  heal(): void;
}

const SAID = /Generating the key "newleaf-b": .*\(CKR_GENERAL_ERROR\)/;

/** A token makes no key, and says so by a general error, which may also mean that the module has lost its state. */
async function servesOnWhatItHas({ far, gateway, thumbprint }: Serving, { sicken, heal }: Sickness): Promise<void> {
  sicken();
  await gateway.post('/v1/roll', { id: 'asked' });
  // The first time, a new process may heal it.
  assert.equal(await gateway.ended(), EXIT.restart);
  const words = await lastWords(gateway.stateDirectory);
  assert.match(words?.message ?? '', SAID);

  const since = far.log.entries.length;
  const line = gateway.log.lines.length;
  await gateway.start();
  await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
  const told = await gateway.until(({ last }) => last?.id === 'asked', PATIENCE_MS);
  holds(told, { phase: 'serving', online: true, last: { outcome: 'kept', code: 'NL-TOKEN-FAILED' } });
  assert.match(told.next?.trouble?.message ?? '', SAID);
  const events = gateway.log.lines.slice(line);
  const at = (event: string) => events.findIndex((one) => one.event === event);
  assert.ok(at('connected') !== -1 && at('connected') < at('failed'), 'the session comes first');

  // The next request is answered at once, and no process is lost for it.
  const { pid } = gateway;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const asked = await gateway.command('roll', '--wait');
    assert.equal(asked.code, EXIT.kept, asked.err);
    assert.match(flat(asked.err), SAID);
  }
  assert.equal((await gateway.status()).online, true);
  for (const command of ['status', 'check'] as const) {
    const { out, err } = await gateway.command(command);
    assert.match(flat(out + err), SAID, command);
  }
  assert.match(JSON.stringify(await far.twin(gateway.registrationId)), /NL-TOKEN-FAILED.*CKR_GENERAL_ERROR/);
  assert.equal(gateway.pid, pid);

  heal();
  const rolled = await gateway.command('roll', '--wait');
  assert.equal(rolled.code, EXIT.done, rolled.err);
  const { leaf, next, trouble } = await gateway.settled();
  assert.notEqual(leaf?.thumbprint, thumbprint);
  assert.deepEqual([next, trouble, gateway.pid], [undefined, undefined, pid]);
}

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
  await servesOnWhatItHas(site, { sicken: () => sql(FULL), heal: () => sql('DROP TRIGGER full') });
});
