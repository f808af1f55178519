import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { COMMAND, Tap } from '../../contract/tpm/tap.ts';
import { holds } from '../stage/holds.ts';
import { cut } from '../stage/site.ts';
import { another, ID, keyAtHub, outcomeOf, type TpmSite, tpmServing, tpmSite } from './site.ts';

const waits = ({ gateway }: TpmSite) => existsSync(join(gateway.stateDirectory, 'tpm-next-key'));

/** A gateway that serves, with a tap between it and its TPM. */
async function tapped(t: TestContext) {
  let tap: Tap | undefined;
  const site = await tpmServing(t, async ({ device }) => {
    tap = await Tap.before(device);
    return tap.device;
  });
  assert.ok(tap !== undefined);
  const { [Symbol.asyncDispose]: close } = tap;
  t.after(() => close.call(tap));
  return { ...site, tap };
}

test('a hub that is not told the new key: the one before serves on, over a restart too, until the hub knows better', async (t) => {
  const site = await tpmSite(t);
  const { far, gateway, endorsementKey } = site;
  await far.set({ neverPolicyRefreshesThumbprint: false });
  await far.enrollIndividual({ registrationId: ID, tpm: { endorsementKey }, policy: 'never' });
  await gateway.start();
  await gateway.settled();
  const before = await keyAtHub(far);
  assert.equal(waits(site), false);

  const { code, out, err } = await gateway.command('reprovision', '--wait');
  assert.equal(code, 0, out + err);
  await gateway.log.waitFor({ event: 'key-before-kept' });
  holds(await gateway.settled(), { phase: 'serving', online: true });
  assert.equal(await keyAtHub(far), before);
  assert.ok(waits(site), 'it is tried again');
  const checked = await gateway.command('check', 'tpm');
  assert.match(checked.out, /^warning +tpm [\s\S]*has not\s+taken its place/m);

  await gateway.stop();
  await gateway.start();
  holds(await gateway.until(({ online }) => online), { phase: 'serving' });
  assert.equal(far.log.registrations(ID), 2);

  await far.forget(ID);
  await gateway.until(({ last }) => last?.reason === 'rejected' && last.outcome === 'done');
  holds(await gateway.settled(), { phase: 'serving', online: true });
  assert.notEqual(await keyAtHub(far), before);
  assert.equal(waits(site), false, 'accepted, and in the TPM');
});

test('the TPM goes away when the hub has accepted the new key: the session stays, and the key is not lost', async (t) => {
  const site = await tapped(t);
  const { far, gateway, session, swtpm, tap } = site;
  const off = new Promise<void>((resolve) => {
    tap.judge = (code) => {
      if (code !== COMMAND.EvictControl) return 'pass';
      resolve(swtpm.powerOff());
      return 'lost';
    };
  });
  await gateway.post('/v1/reprovision', { id: 'r-1' });
  await off;
  holds(await outcomeOf(gateway, 'r-1'), { outcome: 'done' });
  await gateway.log.waitFor({ event: 'key-not-promoted', code: 'NL-TPM-FAILED' });
  holds(await gateway.settled(), { phase: 'serving', online: true });
  assert.ok(waits(site));
  swtpm.powerOn();
  tap.judge = () => 'pass';
  await cut(far);
  await another(far, await another(far, session));
  holds(await gateway.settled(), { phase: 'serving', online: true });
  assert.equal(far.log.registrations(ID), 2);
  assert.equal(waits(site), false);
});

test('a TPM that takes no key, as its owner has set a password: the gateway serves all the same, over a restart too', async (t) => {
  const site = await tpmSite(t);
  const { far, gateway, swtpm, endorsementKey } = site;
  await swtpm.setOwnerPassword('secret');
  await far.enrollIndividual({ registrationId: ID, tpm: { endorsementKey } });
  await gateway.start();
  const told = await gateway.log.waitFor({ event: 'key-not-promoted', code: 'NL-TPM-PASSWORD' });
  assert.match(String(told.advice), /tpm2_changeauth/);
  holds(await gateway.settled(), { phase: 'serving', online: true });
  await gateway.stop();
  await gateway.start();
  holds(await gateway.until(({ online }) => online), { phase: 'serving' });
  assert.equal(far.log.registrations(ID), 1);
  const { code, out, err } = await gateway.command('reprovision', '--wait');
  assert.equal(code, 0, out + err);
  holds(await gateway.settled(), { phase: 'serving', online: true });
});
