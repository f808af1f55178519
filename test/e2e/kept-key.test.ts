import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { csr } from '../../hsm/csr.ts';
import { openToken } from '../../hsm/token.ts';
import { freshId } from '../contract/token/fresh-id.ts';
import { softHsm } from '../contract/token/softhsm.ts';
import { withEnvironment } from '../put-back.ts';
import { type Clocked, clocked } from './stage/clocked.ts';
import { holds } from './stage/holds.ts';
import { Inspector } from './stage/inspector.ts';
import { cut, PATIENCE_MS } from './stage/site.ts';

const ID = 'gw-0001';
const MINUTE = 60_000;
const LIFETIME = 30 * 24 * 60 * MINUTE;
/** Longer than a hub that lags DPS is given. */
const GRACE = 10 * MINUTE;

const hsm = softHsm('kept', 'kept-refused', 'factory', 'factory-kept', 'factory-other');
withEnvironment(hsm.environment);
after(() => hsm.remove());

const KEPT = { 'leaf.rotate_key': 'false' };
const FACTORY = { 'hsm.key': '"pkcs11:object=factory"' };

test('a roll that keeps the key: another leaf, the same CKA_ID, one key', async (t) => {
  const gateway = await clocked(t, LIFETIME, { hsm, token: 'kept', settings: KEPT });
  await gateway.start();
  const { leaf } = await gateway.settled();
  const token = new Inspector(hsm, 'kept');
  const keys = token.keyIds();
  assert.equal(keys.length, 1);

  const rolled = await roll(gateway, leaf?.thumbprint);
  assert.deepEqual(token.keyIds(), keys);
  await gateway.log.waitFor({ event: 'certificate-stored', thumbprint: rolled });
  assert.deepEqual(token.certificates().map(thumbprintOf), [rolled]);
  holds(await gateway.far.device(ID), { thumbprints: { primary: rolled } });
  await roll(gateway, rolled);
  assert.deepEqual(token.keyIds(), keys);
});

test('a hub that refuses the new leaf of a kept key: back to the old one, and the key lives', async (t) => {
  const gateway = await clocked(t, LIFETIME, { hsm, token: 'kept-refused', settings: KEPT });
  await gateway.start();
  const { leaf } = await gateway.settled();
  const token = new Inspector(hsm, 'kept-refused');
  const keys = token.keyIds();
  await refusedRoll(gateway);
  assert.deepEqual(token.keyIds(), keys);
  assert.deepEqual(token.certificates().map(thumbprintOf), [leaf?.thumbprint]);
  await reconnects(gateway, leaf?.thumbprint);
  await roll(gateway, leaf?.thumbprint);
  assert.deepEqual(token.keyIds(), keys);
});

test('a factory key with its leaf beside it serves first, and no roll destroys it', async (t) => {
  const gateway = await clocked(t, LIFETIME, { hsm, token: 'factory', settings: FACTORY });
  const factory = await makeFactoryLeaf(gateway, 'factory');
  await gateway.start();
  const first = await gateway.settled();
  holds(first, { leaf: { thumbprint: factory, slot: 'given' }, last: { reason: 'given-key', outcome: 'done' } });
  const token = new Inspector(hsm, 'factory');
  assert.deepEqual(token.privateKeys(), ['factory']);
  assert.equal(gateway.far.log.count({ event: 'issued' }), 0);

  await refusedRoll(gateway);
  assert.deepEqual(token.privateKeys(), ['factory', 'newleaf-a']);
  await reconnects(gateway, factory);

  const second = await roll(gateway, factory);
  assert.deepEqual(token.privateKeys(), ['factory', 'newleaf-a']);
  const third = await roll(gateway, second);
  assert.deepEqual(token.privateKeys(), ['factory', 'newleaf-b']);
  await gateway.log.waitFor({ event: 'certificate-stored', thumbprint: third });
  assert.deepEqual(token.certificates().map(thumbprintOf).sort(), [factory, third].sort());

  await gateway.stop();
  await gateway.start();
  holds(await gateway.settled(), { leaf: { thumbprint: third, slot: 'b' } });
});

test('a factory key that is kept: its leaf is renewed, and its own certificate stays where it is', async (t) => {
  const gateway = await clocked(t, LIFETIME, { hsm, token: 'factory-kept', settings: { ...FACTORY, ...KEPT } });
  const factory = await makeFactoryLeaf(gateway, 'factory-kept');
  await gateway.start();
  await gateway.settled();
  const rolled = await roll(gateway, factory);
  holds(await gateway.status(), { leaf: { thumbprint: rolled, slot: 'given' } });
  const token = new Inspector(hsm, 'factory-kept');
  assert.deepEqual(token.privateKeys(), ['factory']);
  assert.deepEqual(token.certificates().map(thumbprintOf), [factory]);
});

test('a factory leaf for another name is told; the gateway gets one of its own, and the factory key stays', async (t) => {
  const gateway = await clocked(t, LIFETIME, { hsm, token: 'factory-other', settings: FACTORY });
  const factory = await makeFactoryLeaf(gateway, 'factory-other', 'gw-0002');
  await gateway.start();
  const { leaf } = await gateway.settled();
  assert.equal(leaf?.slot, 'a');
  assert.notEqual(leaf?.thumbprint, factory);
  assert.equal(gateway.log.matching({ event: 'given-leaf-unusable', code: 'NL-LEAF-CN' }).length, 1);
  const token = new Inspector(hsm, 'factory-other');
  assert.deepEqual(token.privateKeys(), ['factory', 'newleaf-a']);
  assert.ok(token.certificates().map(thumbprintOf).includes(factory));
});

const thumbprintOf = (der: Buffer): string => createHash('sha256').update(der).digest('hex').toUpperCase();

/** A key with its certificate, as a factory leaves them in the token. */
async function makeFactoryLeaf({ far, policy }: Clocked, label: string, cn = ID): Promise<string> {
  const token = await openToken({ module: hsm.module, token: label, uri: undefined, pin: hsm.pin });
  const key = await token.generate('factory', 'ec-p256', freshId());
  const request = await csr(cn, key, (message) => token.sign(key, message));
  const { raw } = new X509Certificate(await far.issue(request, policy));
  await token.storeCertificate(key, raw);
  return thumbprintOf(raw);
}

/** Rolls, and answers with the thumbprint of the new leaf. */
async function roll(gateway: Clocked, from: string | undefined): Promise<string> {
  await gateway.clock.pass(MINUTE);
  assert.equal(await gateway.ask({ kind: 'roll', from: 'technician', delayMs: 0 }), 202);
  const { leaf, last } = await gateway.renewed(from);
  assert.equal(last?.outcome, 'done');
  return leaf?.thumbprint ?? '';
}

/** A roll whose leaf DPS accepts, and the hub does not: the leaf before it must be registered again, and the new one is kept. */
async function refusedRoll(gateway: Clocked): Promise<void> {
  const { far, clock } = gateway;
  const { leaf } = await gateway.status();
  await far.lay('hub1', 'connack', { code: 5 });
  const ended = gateway.log.waitFor({ event: 'outcome', reason: 'kept' }, { timeoutMs: PATIENCE_MS });
  assert.equal(await gateway.ask({ kind: 'roll', from: 'technician', delayMs: 0 }), 202);
  await gateway.passUntil(clock.now() + GRACE, { over: ended });
  await ended;
  await far.lift('hub1');
  const status = await gateway.settled();
  holds(status, { leaf: { thumbprint: leaf?.thumbprint }, last: { outcome: 'kept', code: 'NL-HUB-REJECTED' } });
  holds(status.next, { standing: 'parked' });
  const [last] = far.log.matching({ event: 'assigned' }).slice(-1);
  assert.equal(last?.thumbprint, leaf?.thumbprint, 'registered last wins');
}

/** The hub takes the leaf, once more. */
async function reconnects({ far }: Clocked, thumbprint: string | undefined): Promise<void> {
  const since = far.log.entries.length;
  await cut(far);
  await far.log.waitFor({ event: 'connected', ...(thumbprint && { thumbprint }) }, PATIENCE_MS, since);
}
