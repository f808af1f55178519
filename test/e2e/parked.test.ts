import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { Status } from '../../agent/roll/report.ts';
import type { Entry } from '../simulator/log.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { Gateway } from './stage/gateway.ts';
import { holds } from './stage/holds.ts';
import { PATIENCE_MS, type Serving } from './stage/site.ts';

const ID = 'gw-0001';

const thumbprintOf = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('hex').toUpperCase();

interface Enrolled extends Serving {
  /** What the operator finds in the state directory. */
  read(name: 'leaf.pem' | 'next.pem'): string;
}

/**
 * A gateway with an individual enrollment of its first leaf, enrolled as an operator has to: the leaf is parked first,
 * and DPS learns of it from next.pem.
 */
async function enrolled(t: TestContext): Promise<Enrolled> {
  const far = await startSimulator();
  const gateway = new Gateway(far.endpoints);
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  const read = (name: string) => readFileSync(join(gateway.stateDirectory, name), 'utf8');
  await gateway.start();
  await gateway.until(({ next }) => next?.standing === 'parked');
  await far.enrollIndividual({ registrationId: ID, primary: read('next.pem') });
  assert.equal((await gateway.post('/v1/reprovision', { id: 'enrolled' })).status, 202);
  const session = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
  return { far, gateway, session, thumbprint: session.thumbprint ?? '', read };
}

suite('a leaf that DPS does not know yet', { concurrency: true }, () => {
  test('the first leaf waits for its enrollment', async (t) => {
    const { far, gateway, thumbprint, read } = await enrolled(t);
    assert.equal(thumbprintOf(read('leaf.pem')), thumbprint);
    assert.equal(existsSync(join(gateway.stateDirectory, 'next.pem')), false);
    assert.equal(far.log.count({ event: 'issued' }), 1);
    assert.equal(far.log.registrations(ID), 2);
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
  });

  test('a refused roll is parked, the operator enrolls it, and it becomes current', async (t) => {
    const { far, gateway, session, thumbprint: old, read } = await enrolled(t);
    assert.equal((await gateway.post('/v1/roll', { id: 'roll' })).status, 202);
    await far.log.waitFor({ event: 'refused', code: 401002, clientId: ID }, PATIENCE_MS, session.seq);
    const parked = await gateway.until(({ next }) => next?.standing === 'parked');
    const candidate = thumbprintOf(read('next.pem'));
    const named = ({ event, body }: Entry) =>
      event === 'reported' && JSON.stringify(body).includes('"standing":"parked"');
    await far.log.waitFor(named, PATIENCE_MS);
    const { status: answered, payload } = await far.callMethod(ID, 'leafStatus', { pem: true });
    const sent = payload as Status;
    assert.deepEqual([answered, sent.leaf?.pem], [200, read('leaf.pem')]);
    assert.equal(thumbprintOf(sent.next?.pem ?? ''), candidate);
    assert.deepEqual([parked.leaf?.pem, parked.next?.pem], [undefined, undefined]);

    holds(parked, {
      person: true,
      leaf: { thumbprint: old },
      next: { slot: 'b', refusals: 1, leaf: { thumbprint: candidate }, trouble: { code: 'NL-DPS-401002' } },
      last: { id: 'roll', outcome: 'person', code: 'NL-DPS-401002' },
    });
    holds(await far.twin(ID), { reported: { newleaf: { next: { thumbprint: candidate, standing: 'parked' } } } });
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a', 'newleaf-b']);
    assert.equal(far.log.count({ event: 'disconnected', server: 'hub1' }), 0, 'the session was never disturbed');

    await far.replaceCertificates(ID, { primary: read('leaf.pem'), secondary: read('next.pem') });
    assert.equal((await gateway.post('/v1/reprovision', { id: 'now' })).status, 202);
    await far.log.waitFor({ event: 'connected', thumbprint: candidate }, PATIENCE_MS);
    const status = await gateway.settled();

    holds(status, { person: false, leaf: { thumbprint: candidate }, last: { id: 'now', outcome: 'done' } });
    assert.equal(status.next, undefined);
    await gateway.token.stores('newleaf-b', candidate);
    assert.equal(far.log.count({ event: 'issued' }), 2, 'one leaf for the roll, and no other');
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
    assert.equal(existsSync(join(gateway.stateDirectory, 'next.pem')), false);
  });

  test('--discard while DPS does not answer: told is that it goes, and nothing of tries', async (t) => {
    const { far, gateway } = await enrolled(t);
    await far.lay('dps', 'port-closed');
    await gateway.post('/v1/roll');
    await gateway.until(({ trouble, phase }) => phase === 'registering-next' && trouble?.code === 'NL-DPS-UNREACHABLE');
    await gateway.post('/v1/roll', { discard: true });
    await gateway.until(({ trouble, phase }) => phase === 'abandoning' && trouble?.code === 'NL-DPS-UNREACHABLE');
    const screen = (await gateway.command('status')).out;
    assert.match(screen, /Candidate +discarded: it goes once DPS has accepted the current leaf again/);
    assert.doesNotMatch(screen, / times|Asked again|NL-DPS-TIMEOUT/);
  });

  test('ten refusals make no key and no leaf; --discard makes another', async (t) => {
    const { far, gateway, session, read } = await enrolled(t);
    await gateway.post('/v1/roll');
    await gateway.until(({ next }) => next?.standing === 'parked');
    const candidate = thumbprintOf(read('next.pem'));
    const id = keyIdOf(gateway);
    for (let times = 2; times <= 10; times += 1) {
      assert.equal((await gateway.post('/v1/reprovision', { id: `try-${times}` })).status, 202);
      await gateway.log.waitFor({ event: 'outcome', id: `try-${times}` });
    }
    const refused = far.log.matching({ event: 'refused', code: 401002, thumbprint: candidate });
    assert.equal(refused.length, 10);
    assert.equal(far.log.count({ event: 'issued' }), 2);
    assert.equal(keyIdOf(gateway), id, 'the same key');
    assert.equal((await gateway.status()).next?.refusals, 10);
    assert.equal(far.log.count({ event: 'disconnected', server: 'hub1' }), 0);

    assert.equal((await gateway.post('/v1/roll', { id: 'other', discard: true })).status, 202);
    await gateway.log.waitFor({ event: 'outcome', id: 'other' });
    const other = thumbprintOf(read('next.pem'));
    assert.notEqual(other, candidate);
    assert.notEqual(keyIdOf(gateway), id, 'another key');
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a', 'newleaf-b']);
    assert.equal(far.log.count({ event: 'issued' }), 3);
    assert.equal(far.log.count({ event: 'disconnected', connection: session.connection ?? 0 }), 0);
  });
});

/** The id of the candidate's key, as the state file has it. */
function keyIdOf({ stateDirectory }: Gateway): string {
  return JSON.parse(readFileSync(join(stateDirectory, 'state.json'), 'utf8')).entry.next.leaf.key.id;
}
