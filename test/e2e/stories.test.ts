import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { type Entry, matcher } from '../simulator/log.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { holds } from './stage/holds.ts';
import { cut, PATIENCE_MS, patiently, serving, site } from './stage/site.ts';
import { tell } from './stage/timeline.ts';

const ID = 'gw-0001';

const reprovision = (far: Simulator, payload: object) => far.callMethod(ID, 'reprovision', payload);

/** The patch of the reported property `newleaf` that tells how this request ended. */
const reportOf = (id: string) => (entry: Entry) =>
  entry.event === 'reported' && JSON.stringify(entry.body).includes(`"last":{"id":"${id}"`);

suite('stories', { concurrency: true }, () => {
  test('first provisioning', async (t) => {
    const { far, gateway } = await site(t);
    const began = performance.timeOrigin + performance.now();
    await gateway.start();
    const { thumbprint = '' } = await far.log.waitFor({ event: 'connected', server: 'hub1' }, PATIENCE_MS);
    await far.log.waitFor({ event: 'reported' }, PATIENCE_MS);
    tell(t, far, 0, began);

    assert.equal(far.log.registrations(ID), 1);
    assert.equal(far.log.count({ event: 'issued' }), 1);
    assert.equal((await far.device(ID))?.thumbprints.primary, thumbprint);
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
    await gateway.token.stores('newleaf-a', thumbprint);
    const { reported } = await far.twin(ID);
    holds(reported, { newleaf: { phase: 'serving', leaf: { thumbprint } } });
    const published = readFileSync(join(gateway.stateDirectory, 'leaf.pem'), 'utf8');
    assert.match(published, /^-----BEGIN CERTIFICATE-----/);
  });

  test('reprovision by direct method', async (t) => {
    const { far, gateway, thumbprint } = await serving(t);
    const since = far.log.entries.length;
    const first = await reprovision(far, { id: 'first' });
    await far.log.waitFor(reportOf('first'), PATIENCE_MS);
    tell(t, far, since);
    assert.deepEqual(first, { status: 202, payload: { id: 'first', phase: 'registering' } });
    const answered = await far.log.waitFor({ event: 'method-answer' }, PATIENCE_MS, since);
    const registered = await far.log.waitFor({ event: 'register' }, PATIENCE_MS, since);
    assert.ok(answered.seq < registered.seq, 'answered before the work');
    assert.equal(registered.thumbprint, thumbprint);
    assert.equal(far.log.registrations(ID), 2);

    await far.lay('dps', 'slow-assignment', { ms: 1_000, times: 1 });
    assert.equal((await reprovision(far, { id: 'second' })).status, 202);
    await far.log.waitFor({ event: 'register' }, PATIENCE_MS, registered.seq);
    const busy = await reprovision(far, { id: 'third' });
    assert.equal(busy.status, 409);
    holds(busy.payload, { id: 'second', code: 'NL-BUSY' });
    assert.deepEqual(await reprovision(far, { id: 'second' }), {
      status: 202,
      payload: { id: 'second', phase: 'registering' },
    });
    await far.log.waitFor(reportOf('second'), PATIENCE_MS);

    const again = await reprovision(far, { id: 'first' });
    assert.equal(again.status, 200);
    holds(again.payload, { id: 'first', outcome: 'done' });
    assert.equal(far.log.registrations(ID), 3);
    assert.equal(far.log.count({ event: 'issued' }), 1);
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
    assert.deepEqual(
      far.log.matching({ event: 'connected' }).map((entry) => entry.thumbprint),
      [thumbprint],
    );
  });

  test('a roll by direct method', async (t) => {
    const { far, gateway, session, thumbprint: old } = await serving(t);
    // The hub keeps the new leaf waiting: the token must hold both keys for as long as nothing is proven.
    await far.lay('hub1', 'delay-connack', { ms: 500, times: 1 });
    const since = far.log.entries.length;
    assert.equal((await patiently(() => reprovision(far, { action: 'roll', id: 'roll' }))).status, 202);
    const presented = (entry: Entry) => entry.server === 'hub1' && entry.event === 'tls' && entry.thumbprint !== old;
    const { thumbprint = '', connection } = await far.log.waitFor(presented, PATIENCE_MS, since);
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a', 'newleaf-b']);
    const connected = await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS);
    await far.log.waitFor(reportOf('roll'), PATIENCE_MS);
    const status = await gateway.settled();
    tell(t, far, far.log.matching({ event: 'method' }).at(-1)?.seq ?? since);

    const left = await far.log.waitFor({ event: 'disconnected', connection: session.connection ?? 0 }, PATIENCE_MS);
    assert.ok(left.seq > connected.seq, 'the old session was there until the new one had CONNACK 0');
    assert.equal(left.reason, 'newer connection');
    assert.equal(far.log.registrations(ID), 2);
    assert.equal(far.log.count({ event: 'connected' }), 2);
    assert.equal(connected.connection, connection);
    assert.equal((await far.device(ID))?.thumbprints.primary, thumbprint);
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
    await gateway.token.stores('newleaf-b', thumbprint);
    assert.equal(status.leaf?.thumbprint, thumbprint);
    const { reported } = await far.twin(ID);
    holds(reported, {
      newleaf: { leaf: { thumbprint, label: 'newleaf-b' }, last: { id: 'roll', outcome: 'done' } },
    });
  });

  for (const [how, lose] of [
    ['has forgotten the device', (far: Simulator) => far.forget(ID)],
    [
      'knows another thumbprint',
      async (far: Simulator) => {
        await far.writeDevice('hub1', ID, 'A'.repeat(64));
        await cut(far);
      },
    ],
  ] as const) {
    test(`unauthorized: the hub ${how}`, async (t) => {
      const { far, gateway, thumbprint } = await serving(t);
      const since = far.log.entries.length;
      await lose(far);
      const refused = await far.log.waitFor({ event: 'connack', code: 5 }, PATIENCE_MS, since);
      const back = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, refused.seq);
      await gateway.settled();
      tell(t, far, since);
      assert.equal(refused.thumbprint, thumbprint);
      assert.equal(back.thumbprint, thumbprint);
      assert.equal(far.log.since(since).filter(matcher({ event: 'register' })).length, 1);
      assert.equal(far.log.count({ event: 'issued' }), 1);
    });
  }

  test('assignment to the second hub', async (t) => {
    const { far, gateway, session, thumbprint } = await serving(t);
    await far.assign(ID, 'hub2');
    const since = far.log.entries.length;
    assert.equal((await reprovision(far, { id: 'move' })).status, 202);
    await far.log.waitFor({ event: 'connected', server: 'hub2', thumbprint }, PATIENCE_MS, since);
    await far.log.waitFor({ event: 'disconnected', connection: session.connection ?? 0 }, PATIENCE_MS);
    await far.log.waitFor({ event: 'reported', server: 'hub2' }, PATIENCE_MS, since);
    const status = await gateway.settled();
    tell(t, far, since);
    assert.equal(far.log.registrations(ID), 2);
    assert.equal((await far.device(ID))?.hub, 'hub2');
    assert.equal(status.hub?.host, far.endpoints.hub2);
    const { status: answer, payload } = await far.callMethod(ID, 'leafStatus');
    assert.equal(answer, 200);
    holds(payload, { leaf: { thumbprint }, hub: { host: far.endpoints.hub2 } });
  });
});
