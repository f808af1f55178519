import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, afterEach, test } from 'node:test';
import type { FaultName, FaultOptions } from '../../../simulator/faults.ts';
import { Session, serving } from './device.ts';

const { simulator, leaf, request, enter } = await serving();
let rid = 0;

after(() => simulator.close());
afterEach(() => simulator.lift('hub1'));

const lay = (fault: FaultName, options: FaultOptions = {}): Promise<void> =>
  simulator.lay('hub1', fault, { times: 1, ...options });
const ask = (session: Session): string => {
  const next = `rid-${++rid}`;
  session.ask(next, { id: 'gw-1', csr: request.csr });
  return next;
};

for (const [fault, accepted] of [
  ['credentials-status', []],
  ['issue-failed', [202]],
] as const) {
  for (const [options, code, retryAfter] of [
    [{ status: 429, retryAfter: '7' }, 429002, 7],
    [{ status: 429, code: 429003 }, 429003, undefined],
    [{ status: 503 }, 503001, undefined],
    [{ status: 500 }, 500001, undefined],
    [{ status: 400 }, 400001, undefined],
    [{ status: 412 }, 412001, undefined],
    [{ status: 409, code: 409005 }, 409005, undefined],
    [{}, 500001, undefined],
  ] as const satisfies readonly (readonly [FaultOptions, number, number | undefined])[]) {
    test(`${fault} ${JSON.stringify(options)}: ${code}`, async () => {
      await lay(fault, options);
      const session = await enter();
      ask(session);
      for (const status of accepted) assert.equal((await session.next()).status, status);
      const { status, body } = await session.next();
      assert.deepEqual([status, body.errorCode, body.retryAfter], [Math.trunc(code / 1_000), code, retryAfter]);
      ask(session);
      assert.deepEqual([(await session.next()).status, (await session.next()).status], [202, 200]);
      await session.leave();
    });
  }
}

test('no SUBACK, and nothing is granted', async () => {
  await lay('no-credentials-suback');
  const session = await Session.open(simulator, 'gw-1', leaf);
  session.client.subscribe('$iothub/credentials/res/#');
  await simulator.log.waitFor({ event: 'fault', reason: 'no-credentials-suback' });
  assert.equal(await session.subscribe(), 1);
  await session.leave();
});

test('a request that is taken before the connection ends brings its certificate in the next session', async () => {
  await lay('credentials-close');
  const session = await enter();
  const sent = ask(session);
  await session.closed;
  const next = await enter();
  assert.equal((await next.next()).topic, `$iothub/credentials/res/200/?$rid=${sent}`);
  await next.leave();
});

test('no 202: the certificate comes all the same', async () => {
  await lay('no-202');
  const session = await enter();
  ask(session);
  assert.equal((await session.next()).status, 200);
  await session.leave();
});

test('no 200: the same request again brings it', async () => {
  await lay('no-200');
  const session = await enter();
  const sent = ask(session);
  assert.equal((await session.next()).status, 202);
  await simulator.log.waitFor({ event: 'fault', reason: 'no-200' });
  session.ask(sent, { id: 'gw-1', csr: request.csr });
  assert.deepEqual([(await session.next()).status, (await session.next()).status], [202, 200]);
  await session.leave();
});

test('a 202 that comes later, and the certificate after it', async () => {
  await lay('slow-202', { ms: 50 });
  const session = await enter();
  ask(session);
  assert.deepEqual([(await session.next()).status, (await session.next()).status], [202, 200]);
  await session.leave();
});

test('a 200 for a request that was never made', async () => {
  await lay('stray-200');
  const session = await enter();
  const sent = ask(session);
  const [, stray, own] = [await session.next(), await session.next(), await session.next()];
  assert.notEqual(stray.topic, own.topic);
  assert.equal(own.topic, `$iothub/credentials/res/200/?$rid=${sent}`);
  await session.leave();
});

test('two 200', async () => {
  await lay('duplicate-200');
  const session = await enter();
  ask(session);
  const [, first, second] = [await session.next(), await session.next(), await session.next()];
  assert.deepEqual(first, second);
  await session.leave();
});

test('a certificate that comes later', async () => {
  await lay('slow-issue', { ms: 50 });
  const session = await enter();
  ask(session);
  assert.equal((await session.next()).status, 202);
  assert.equal((await session.next()).status, 200);
  await session.leave();
});

for (const [fault, sees] of [
  ['issue-cn', (issued: X509Certificate) => issued.subject === 'CN=another'],
  ['issue-not-yet', (issued: X509Certificate) => Date.parse(issued.validFrom) > Date.now()],
  ['issue-lifetime', (issued: X509Certificate) => Date.parse(issued.validTo) < Date.now() + 61_000],
] as const) {
  test(`a hub, too, has the fault ${fault}`, async () => {
    await lay(fault);
    const session = await enter();
    ask(session);
    const [, { body }] = [await session.next(), await session.next()];
    assert.ok(sees(new X509Certificate(Buffer.from(body.certificates?.[0] ?? '', 'base64'))));
    await session.leave();
  });
}
