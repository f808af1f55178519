import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { newRequest, pemOf, type Request } from '../../../simulator/adr/request.ts';
import type { Identity } from '../../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';
import { DEFAULT_SWITCHES } from '../../../simulator/switches.ts';
import { admits, prepare, provisioned, type Said, Session } from './device.ts';

const HOUR = 3_600_000;

let simulator: Simulator;
let leaf: Identity;
let request: Request;
let late = 0;

before(async () => {
  simulator = await startSimulator({ now: () => Date.now() + late });
  await prepare(simulator);
  ({ leaf } = await provisioned(simulator, 'gw-1'));
  request = await newRequest('gw-1');
});
after(() => simulator.close());
afterEach(() => simulator.set(DEFAULT_SWITCHES));

async function enter(clean = true, subscribed = true): Promise<Session> {
  const session = await Session.open(simulator, 'gw-1', leaf, { clean });
  if (subscribed) assert.equal(await session.subscribe(), 1);
  return session;
}

const body = (more: object = {}): object => ({ id: 'gw-1', csr: request.csr, ...more });
const statuses = (...said: readonly Said[]): number[] => said.map(({ status }) => status);
/** Until the hub has taken all that was sent: it answers in order. */
const settled = (session: Session): Promise<unknown> =>
  new Promise((resolve) => session.client.publish('devices/gw-1/messages/events/', 'x', { qos: 1 }, resolve));

test('202 with the end of the operation, then 200 with a leaf that opens the hub; the session goes on', async () => {
  const session = await enter();
  session.ask('7e0e4fec', body());
  const [accepted, issued] = [await session.next(), await session.next()];
  assert.equal(accepted.topic, '$iothub/credentials/res/202/?$rid=7e0e4fec');
  assert.match(String(accepted.body.operationExpires), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  assert.equal(issued.topic, '$iothub/credentials/res/200/?$rid=7e0e4fec');
  assert.equal(issued.body.correlationId, accepted.body.correlationId);
  const renewed = { key: request.key, cert: pemOf(issued.body.certificates ?? []) };
  await settled(session);
  await session.leave();
  assert.equal(await admits(simulator, 'gw-1', renewed), 0);
  assert.equal(await admits(simulator, 'gw-1', leaf), 0);
});

test('the leaf before can be refused after a renewal', async () => {
  const session = await enter();
  session.ask('before-1', body());
  assert.deepEqual(statuses(await session.next(), await session.next()), [202, 200]);
  await session.leave();
  await simulator.set({ leafBeforeRenewal: 'refused' });
  assert.equal(await admits(simulator, 'gw-1', leaf), 5);
});

test('a held certificate comes when it is made, in this session', async () => {
  await simulator.set({ renewal: 'held' });
  const session = await enter();
  session.ask('held-1', body());
  assert.equal((await session.next()).status, 202);
  await settled(session);
  assert.ok(session.silent);
  await simulator.concludeRenewal('gw-1');
  assert.equal((await session.next()).status, 200);
  await assert.rejects(simulator.concludeRenewal('gw-1'), /no request of "gw-1" is active/);
  await session.leave();
});

for (const [how, clean, again] of [
  ['one that subscribes again', true, true],
  ['one that is resumed', false, false],
] as const) {
  test(`a certificate that was made while the device was away comes in the next session: ${how}`, async () => {
    await simulator.set({ renewal: 'held' });
    const session = await enter(clean);
    session.ask(`away-${clean}`, body());
    assert.equal((await session.next()).status, 202);
    const from = simulator.log.entries.length;
    await session.leave();
    await simulator.log.waitFor({ event: 'disconnected', clientId: 'gw-1' }, 5_000, from);
    await simulator.concludeRenewal('gw-1');
    const next = await enter(clean, again);
    assert.equal((await next.next()).status, 200);
    await next.leave();
  });
}

test('without a subscription in the next session nothing comes', async () => {
  await simulator.set({ renewal: 'held' });
  const session = await enter();
  session.ask('deaf-1', body());
  assert.equal((await session.next()).status, 202);
  await session.leave();
  const next = await enter(true, false);
  await simulator.concludeRenewal('gw-1');
  await settled(next);
  assert.ok(next.silent);
  assert.equal(await next.subscribe(), 1);
  assert.equal((await next.next()).status, 200);
  await next.leave();
});

test('an operation that has expired brings nothing, and another one may begin', async () => {
  await simulator.set({ renewal: 'held', operationLivesMs: HOUR });
  const session = await enter();
  session.ask('expired-1', body());
  assert.equal((await session.next()).status, 202);
  late += HOUR;
  await assert.rejects(simulator.concludeRenewal('gw-1'), /no request/);
  session.ask('expired-2', body());
  assert.equal((await session.next()).topic, '$iothub/credentials/res/202/?$rid=expired-2');
  await simulator.concludeRenewal('gw-1');
  assert.equal((await session.next()).status, 200);
  await session.leave();
});

test('the same request again is the same operation', async () => {
  await simulator.set({ renewal: 'held' });
  const session = await enter();
  session.ask('same-1', body());
  session.ask('same-1', body());
  const [first, second] = [await session.next(), await session.next()];
  assert.deepEqual(statuses(first, second), [202, 202]);
  assert.equal(first.body.correlationId, second.body.correlationId);
  await simulator.concludeRenewal('gw-1');
  assert.equal((await session.next()).status, 200);
  await settled(session);
  assert.ok(session.silent);
  await session.leave();
});

for (const repeatedRequest of ['same-certificate', 'new-certificate'] as const) {
  test(`the same request after its certificate gets the ${repeatedRequest}`, async () => {
    await simulator.set({ repeatedRequest });
    const session = await enter();
    session.ask('again-1', body());
    const [, first] = [await session.next(), await session.next()];
    session.ask('again-1', body());
    const [, second] = [await session.next(), await session.next()];
    assert.equal(
      first.body.certificates?.[0] === second.body.certificates?.[0],
      repeatedRequest === 'same-certificate',
    );
    await session.leave();
  });
}

for (const [renewalCodes, code] of [
  ['newer', 409005],
  ['live-run', 409004],
] as const) {
  test(`another request while one is active is ${code}, and names it; replace takes its place`, async () => {
    await simulator.set({ renewalCodes, renewal: 'held' });
    const session = await enter();
    session.ask(`first-${code}`, body());
    const accepted = await session.next();
    session.ask(`second-${code}`, body());
    const { body: told } = await session.next();
    assert.equal(told.errorCode, code);
    const { operationExpires, correlationId } = accepted.body;
    assert.deepEqual(told.info, { requestId: `first-${code}`, operationExpires, correlationId });
    session.ask(`third-${code}`, body({ replace: 'nothing-1' }));
    const { body: nothing } = await session.next();
    assert.deepEqual([nothing.errorCode, nothing.info?.requestId], [412001, 'nothing-1']);
    session.ask(`third-${code}`, body({ replace: `first-${code}` }));
    assert.equal((await session.next()).status, 202);
    session.ask(`fourth-${code}`, body({ replace: '*' }));
    assert.equal((await session.next()).status, 202);
    await simulator.concludeRenewal('gw-1');
    assert.equal((await session.next()).topic, `$iothub/credentials/res/200/?$rid=fourth-${code}`);
    await session.leave();
  });
}

for (const [replaceAllOfNothing, status] of [
  ['accepted', 202],
  ['refused', 412],
] as const) {
  test(`replace "*" where nothing is active: ${replaceAllOfNothing}`, async () => {
    await simulator.set({ replaceAllOfNothing });
    const session = await enter();
    session.ask(`nothing-${status}`, body({ replace: '*' }));
    assert.equal((await session.next()).status, status);
    if (status === 202) assert.equal((await session.next()).status, 200);
    await session.leave();
  });
}
