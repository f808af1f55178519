import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { prints, types } from '../arrow.ts';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { another, ID, keyAtHub, outcomeOf, tpmServing, tpmSite } from './site.ts';

test('first registration, and the session with the hub', async (t) => {
  const { far, gateway, endorsementKey } = await tpmServing(t);
  assert.equal(far.log.count({ event: 'challenge' }), 1);
  assert.equal(far.log.registrations(ID), 1);
  assert.equal(far.log.count({ event: 'tls', chain: 0 }), far.log.count({ event: 'tls' }), 'no certificate is shown');
  const digest = createHash('sha256').update(Buffer.from(endorsementKey, 'base64')).digest('hex').toUpperCase();
  const status = await gateway.status();
  holds(status, {
    attestation: 'tpm',
    phase: 'serving',
    words: 'serving with the key in its TPM',
    endorsementKey: digest,
    hub: { host: far.endpoints.hub1, deviceId: ID },
    last: { reason: 'given-key', outcome: 'done' },
  });
  assert.ok(!('leaf' in status));
  await far.log.waitFor({ event: 'reported' }, PATIENCE_MS);
  const { reported } = await far.twin(ID);
  holds(reported, { newleaf: { phase: 'serving', tpm: { endorsementKey: digest } } });
});

test('a gateway that starts before its enrollment is stranded, and told to whom to turn; then it is through', async (t) => {
  const { far, gateway, endorsementKey } = await tpmSite(t);
  await gateway.start();
  await gateway.until(({ phase }) => phase === 'stranded');
  const told = await gateway.command('status');
  assert.equal(told.code, 4);
  assert.match(told.out, /NL-DPS-404201 .*\n.*/);
  assert.match(told.out, /`newleaf tpm`/);
  assert.match(told.out, /Attests +by its TPM; there is no leaf/);
  await far.enrollIndividual({ registrationId: ID, tpm: { endorsementKey } });
  const { code, out } = await gateway.command('reprovision', '--wait');
  assert.equal(code, 0, out);
  assert.match(out.replaceAll(/\s+/g, ' '), /accepted the key of the TPM\./);
  holds(await gateway.settled(), { phase: 'serving', online: true });
});

test('a CSR of a gateway without a leaf: what it prints gets a new key', async (t) => {
  const { far, gateway } = await tpmServing(t);
  const before = await keyAtHub(far);
  await prints(gateway, ['csr'], 'NL-TPM-NO-LEAF', ['newleaf reprovision']);
  await types(gateway, 'reprovision', '--wait');
  assert.notEqual(await keyAtHub(far), before);
});

test('the direct method reprovision rolls the key; the session moves over', async (t) => {
  const { far, gateway, session } = await tpmServing(t);
  const before = await keyAtHub(far);
  const { status, payload } = await far.callMethod(ID, 'reprovision', { id: 'r-1' });
  assert.equal(status, 202, JSON.stringify(payload));
  const outcome = await outcomeOf(gateway, 'r-1');
  holds(outcome, { action: 're-register', outcome: 'done' });
  const next = await another(far, session);
  assert.notEqual(await keyAtHub(far), before);
  assert.equal(far.log.registrations(ID), 2);
  // The old session stayed until the hub had accepted the new key.
  const { seq, reason } = await far.log.waitFor({ event: 'disconnected' }, PATIENCE_MS);
  assert.equal(reason, 'newer connection');
  assert.ok(seq > next.seq);
});

test('a roll is a registration; a CSR, a leaf and the old words have no place', async (t) => {
  const { far, gateway } = await tpmServing(t);
  const { status } = await far.callMethod(ID, 'reprovision', { action: 'roll', id: 'r-2' });
  assert.equal(status, 202);
  holds(await outcomeOf(gateway, 'r-2'), { action: 're-register', outcome: 'done' });
  for (const args of [['csr'], ['install', gateway.configuration]]) {
    const { code, err } = await gateway.command(...args);
    assert.equal(code, 1, args[0]);
    assert.match(err, /^NL-TPM-NO-LEAF This gateway attests by its TPM: there is no leaf\./);
  }
  const csr = await far.callMethod(ID, 'requestCsr');
  assert.equal(csr.status, 400);
  assert.match(JSON.stringify(csr.payload), /NL-TPM-NO-LEAF/);
  assert.equal((await gateway.status()).phase, 'serving');
});

test('DPS moves the gateway to another hub', async (t) => {
  const { far, gateway, session } = await tpmServing(t);
  await far.assign(ID, 'hub2');
  assert.equal((await far.callMethod(ID, 'reprovision', { id: 'r-3' })).status, 202);
  holds(await outcomeOf(gateway, 'r-3'), { outcome: 'done' });
  const { server } = await another(far, session);
  assert.equal(server, 'hub2');
  holds(await gateway.settled(), { hub: { host: far.endpoints.hub2 } });
});
