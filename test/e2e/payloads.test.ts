import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { askSocket } from '../../agent/control/client.ts';
import { holds } from './stage/holds.ts';
import { serving } from './stage/site.ts';

const ID = 'gw-0001';

/** Payloads of direct methods, and the field that the answer must name. */
const calls: readonly (readonly [method: string, payload: unknown, field: string])[] = [
  ['reprovision', 'now', 'payload'],
  ['reprovision', ['roll'], 'payload'],
  ['reprovision', 7, 'payload'],
  ['reprovision', { action: 'renew' }, 'action'],
  ['reprovision', { action: null }, 'action'],
  ['reprovision', { id: '' }, 'id'],
  ['reprovision', { id: 5 }, 'id'],
  ['reprovision', { id: 'x'.repeat(129) }, 'id'],
  ['reprovision', { delaySeconds: -1 }, 'delaySeconds'],
  ['reprovision', { delaySeconds: '5' }, 'delaySeconds'],
  ['reprovision', { delaySeconds: 1e9 }, 'delaySeconds'],
  ['reprovision', { actoin: 'roll' }, 'actoin'],
  ['leafStatus', { verbose: true }, 'verbose'],
];

/** The same for the control socket. */
const posts: readonly (readonly [path: string, body: object, field: string])[] = [
  ['/v1/reprovision', ['now'], 'body'],
  ['/v1/reprovision', { action: 'roll' }, 'action'],
  ['/v1/roll', { discard: 'yes' }, 'discard'],
  ['/v1/roll', { id: 5 }, 'id'],
  ['/v1/csr', { newKey: 1 }, 'newKey'],
];

suite('what is malformed is refused by its field, and nothing happens', () => {
  test('direct methods and control socket', async (t) => {
    const { far, gateway } = await serving(t);
    const before = await gateway.status();
    for (const [method, payload, field] of calls) {
      const { status, payload: answer } = await far.callMethod(ID, method, payload);
      assert.equal(status, 400, `${method} ${JSON.stringify(payload)}`);
      holds(answer, { field });
      assert.ok((answer as { message: string }).message.startsWith(`${field} `));
    }
    for (const [path, body, field] of posts) {
      const { status, body: answer } = await askSocket(gateway.socket, 'POST', path, body);
      assert.equal(status, 400, `${path} ${JSON.stringify(body)}`);
      holds(answer, { field });
    }

    // A request that is good comes through, and is the only one that does.
    assert.equal((await far.callMethod(ID, 'reprovision', { id: 'good' })).status, 202);
    await gateway.log.waitFor({ event: 'outcome', id: 'good' });
    const after = await gateway.settled();
    assert.equal(after.outcomes.length, before.outcomes.length + 1);
    assert.equal(far.log.registrations(ID), 2);
    assert.equal(far.log.count({ event: 'issued' }), 1);
    assert.equal(far.log.count({ event: 'connected' }), 1);
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
  });

  test('the same id twice at the same time is one request', async (t) => {
    const { far, gateway } = await serving(t);
    const call = () => far.callMethod(ID, 'reprovision', { id: 'twice' });
    const answers = await Promise.all([call(), call()]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202],
    );
    await gateway.log.waitFor({ event: 'outcome', id: 'twice' });
    assert.equal(far.log.registrations(ID), 2);
  });
});
