import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { holds } from '../stage/holds.ts';
import { cut, PATIENCE_MS } from '../stage/site.ts';
import { another, ID, keyAtHub, outcomeOf, tpmServing, tpmSite } from './site.ts';

test('the hub forgets the gateway: it registers again by itself, with the same process', async (t) => {
  const { far, gateway, session } = await tpmServing(t);
  const { pid } = gateway;
  await far.forget(ID);
  await another(far, session);
  holds(await gateway.settled(), { last: { reason: 'rejected', outcome: 'done' } });
  assert.equal(far.log.registrations(ID), 2);
  assert.equal(far.log.count({ event: 'connack', code: 5 }), 1);
  assert.equal(gateway.pid, pid);
});

test('a damaged challenge costs nothing: the session stays, its key stays, and the next try succeeds', async (t) => {
  const { far, gateway, session } = await tpmServing(t);
  const before = await keyAtHub(far);
  await far.lay('dps', 'challenge-corrupt');
  assert.equal((await gateway.post('/v1/reprovision', { id: 'r-1' })).status, 202);
  const failed = await gateway.log.waitFor({ event: 'failed', code: 'NL-TPM-BLOB' }, { timeoutMs: PATIENCE_MS });
  assert.match(String(failed.message), /cannot open the key that DPS sent: ActivateCredential answered /);
  assert.equal(await keyAtHub(far), before);
  // The key that the hub knows is still in the TPM: a session that is lost now is opened again without DPS.
  const registrations = far.log.registrations(ID);
  await cut(far);
  const again = await another(far, session);
  assert.equal(far.log.registrations(ID), registrations);
  await far.lift('dps');
  // A technician's request takes the place of the one that waits.
  assert.equal((await gateway.command('reprovision', '--wait')).code, 0);
  holds(await outcomeOf(gateway, 'r-1'), { outcome: 'kept', code: 'NL-TPM-BLOB' });
  assert.ok((await another(far, again)).seq > again.seq);
  assert.notEqual(await keyAtHub(far), before);
});

test('DPS falls silent after its challenge, and throttles: the hub keeps being served with the key it knows', async (t) => {
  const { far, gateway, session } = await tpmServing(t);
  const before = await keyAtHub(far);
  await far.lay('dps', 'register-status', { status: 503 });
  await gateway.post('/v1/reprovision', { id: 'r-1' });
  await gateway.log.waitFor({ event: 'failed', code: 'NL-DPS-SERVER' });
  await cut(far);
  await another(far, session);
  assert.equal(await keyAtHub(far), before);
  await far.lift('dps');
  await far.lay('dps', 'challenge-status', { status: 429, retryAfter: '1', times: 1 });
  await gateway.command('reprovision');
  await gateway.log.waitFor({ event: 'failed', code: 'NL-DPS-THROTTLED' }, { timeoutMs: PATIENCE_MS });
  // A technician does not wait for the ladder: this request takes the place of the one that waits.
  await gateway.command('reprovision');
  await gateway.until(({ outcomes: [last] }) => last?.outcome === 'done');
});

test('disallowed while it serves: nothing is lost, and the operator is named', async (t) => {
  const { far, gateway, session } = await tpmServing(t);
  await far.setStatus(ID, 'disabled');
  const { code, out, err } = await gateway.command('reprovision', '--wait');
  assert.equal(code, 3, out + err);
  assert.match(
    err.replaceAll(/\s+/g, ' '),
    /NL-DPS-401002 DPS does not accept the endorsement key of this TPM.*Operator:/,
  );
  await cut(far);
  await another(far, session);
  holds(await gateway.until(({ online }) => online), { phase: 'serving' });
});

test('another TPM than the one that is enrolled is refused by DPS, and a person is named', async (t) => {
  const { far, gateway } = await tpmSite(t);
  await far.enrollIndividual({ registrationId: ID, tpm: { endorsementKey: randomBytes(316).toString('base64') } });
  await gateway.start();
  const status = await gateway.until(({ phase }) => phase === 'stranded');
  holds(status, { person: true, trouble: { code: 'NL-DPS-401002' } });
});
