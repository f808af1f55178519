import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { createHub } from '../../../agent/hub/session.ts';
import { renewing } from '../../../agent/hub/tpm/renewal.ts';
import { hubToken } from '../../../agent/hub/tpm/sas.ts';
import { endorsed } from '../../../agent/roll/leaf.ts';
import { systemClock } from '../../../agent/time/clock.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { startSimulator } from '../../simulator/simulator.ts';

const ID = 'gw-0001';
const LIFE_MS = 4_000;

test('a session outlives its tokens, and answers calls with each of them', async (t) => {
  const far = await startSimulator();
  const key = randomBytes(32);
  far.registries.hub1.write(ID, { primary: '', secondary: '', key: key.toString('base64') });
  const sign = async (message: Uint8Array) => createHmac('sha256', key).update(message).digest();
  const connector = connectorOf(createSecureContext({ ca: far.endpoints.trustPem }));
  const sessions = createHub({
    connectorFor: async () => connector,
    // It ends in a whole second, and after the time that is reckoned with: the next session is in time on a slow machine.
    signatureFor: (assignment) => hubToken(assignment, sign, Date.now(), LIFE_MS + 2_000),
    answer: async () => ({ status: 200, body: { here: true } }),
    version: '1',
  });
  const failures: unknown[] = [];
  const failed = (error: unknown) => failures.push(error);
  const hub = renewing(sessions, { lifeMs: LIFE_MS, draw: () => 0, clock: systemClock, failed });
  t.after(async () => {
    await hub.close();
    await far.close();
  });
  const assignment = { hub: far.endpoints.hub1, deviceId: ID, key: 'k' };
  await hub.connect(endorsed(ID, 'AB'), assignment, new AbortController().signal);
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
