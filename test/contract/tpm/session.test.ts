import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { Fault } from '../../../agent/failure/failure.ts';
import { createHub } from '../../../agent/hub/session.ts';
import { renewing } from '../../../agent/hub/tpm/renewal.ts';
import { hubToken } from '../../../agent/hub/tpm/sas.ts';
import { endorsed } from '../../../agent/roll/leaf.ts';
import { systemClock } from '../../../agent/time/clock.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { startSimulator } from '../../simulator/simulator.ts';

const ID = 'gw-0001';
const leaf = endorsed(ID, 'AB');
const never = new AbortController().signal;

/** A hub of the simulator that knows a key, and a session that signs with one. */
async function site(t: TestContext, lifeMs: number, now = Date.now) {
  const far = await startSimulator();
  const key = randomBytes(32);
  far.registries.hub1.write(ID, { primary: '', secondary: '', key: key.toString('base64') });
  const signing = { key };
  const sign = async (message: Uint8Array) => createHmac('sha256', signing.key).update(message).digest();
  const connector = connectorOf(createSecureContext({ ca: far.endpoints.trustPem }));
  const sessions = createHub({
    connectorFor: async () => connector,
    // It ends in a whole second, and after the time that is reckoned with: the next session is in time on a slow machine.
    signatureFor: (assignment) => hubToken(assignment, sign, now(), lifeMs + 2_000),
    answer: async () => ({ status: 200, body: { here: true } }),
    version: '1',
  });
  const failures: unknown[] = [];
  const hub = renewing(sessions, {
    lifeMs,
    draw: () => 0,
    clock: systemClock,
    failed: (error) => failures.push(error),
  });
  t.after(async () => {
    await hub.close();
    await far.close();
  });
  return { far, hub, failures, signing, assignment: { hub: far.endpoints.hub1, deviceId: ID, key: 'k' } };
}

test('a session outlives its tokens, and answers calls with each of them', async (t) => {
  const { far, hub, failures, assignment } = await site(t, 4_000);
  await hub.connect(leaf, assignment, never);
  for (let session = 2; session <= 3; session += 1) {
    await far.log.waitFor(() => far.log.count({ event: 'twin' }) === session, 10_000);
    const { status } = await far.callMethod(ID, 'leafStatus');
    assert.equal(status, 200);
  }
  assert.deepEqual(failures, []);
  const ends = far.log.matching({ event: 'disconnected' }).map(({ reason }) => reason);
  assert.deepEqual(ends, ['newer connection', 'newer connection']);
  assert.equal(far.log.count({ event: 'tls', chain: 0 }), far.log.count({ event: 'tls' }), 'no certificate is shown');
});

test('a key that the hub does not know is a refusal of the identity', async (t) => {
  const { hub, signing, assignment } = await site(t, 3_600_000);
  signing.key = randomBytes(32);
  await assert.rejects(
    hub.connect(leaf, assignment, never),
    (error) => error instanceof Fault && error.failure.code === 'NL-HUB-REJECTED',
  );
});

test('where no token can be made in time the session ends with the one it has', async (t) => {
  const { far, hub, failures, signing, assignment } = await site(t, 3_000);
  await hub.connect(leaf, assignment, never);
  signing.key = randomBytes(32);
  const { value } = await hub.signals[Symbol.asyncIterator]().next();
  assert.equal(value.failure.code, 'NL-HUB-LOST');
  assert.ok(failures.length > 0, 'another token was tried');
  // Not by us, at the first failure: the hub ended it.
  await far.log.waitFor({ event: 'disconnected', reason: 'token expired' });
});
