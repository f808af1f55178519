import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { newRequest } from '../../../simulator/adr/request.ts';
import { DEFAULT_SWITCHES } from '../../../simulator/switches.ts';
import { certified, HUB_VERSION, Session, serving } from './device.ts';

const { simulator, leaf, request, enter } = await serving();
let rid = 0;

after(() => simulator.close());
afterEach(async () => {
  await simulator.set(DEFAULT_SWITCHES);
  await simulator.lift('hub1');
});

const nextRid = (): string => `rid-${++rid}`;

const body = (more: object = {}): object => ({ id: 'gw-1', csr: request.csr, ...more });
const settled = (session: Session): Promise<unknown> =>
  new Promise((resolve) => session.client.publish('devices/gw-1/messages/events/', 'x', { qos: 1 }, resolve));

for (const [what, sent, code] of [
  ['an empty body', '', 400004],
  ['no JSON', '{', 400006],
  ['no object', '[]', 400004],
  ['another field', () => body({ payload: 1 }), 400004],
  ['another id', () => body({ id: 'gw-2' }), 400004],
  ['an empty id', () => body({ id: '' }), 400004],
  ['no csr', { id: 'gw-1' }, 400004],
  ['an empty csr', () => body({ csr: '' }), 400004],
  ['a csr that is no base64', () => body({ csr: '-----BEGIN' }), 400004],
  ['a csr beyond 8 KB', () => body({ csr: 'A'.repeat(8_196) }), 400004],
  ['a replace that is no rid', () => body({ replace: 'a b' }), 400004],
  ['a replace that is no text', () => body({ replace: 1 }), 400004],
] as const) {
  test(`${what} is ${code}`, async () => {
    const session = await enter();
    session.ask(nextRid(), typeof sent === 'function' ? sent() : sent);
    const said = await session.next();
    assert.equal(said.body.errorCode, code);
    assert.equal(said.status, 400);
    assert.equal(said.body.info, null);
    await session.leave();
  });
}

test('a refusal without info has null, or nothing', async () => {
  await simulator.set({ noInfo: 'absent' });
  const session = await enter();
  session.ask(nextRid(), '');
  assert.ok(!('info' in (await session.next()).body));
  await session.leave();
});

test('a replace of null, as the Java SDK sends it, is none', async () => {
  const session = await enter();
  session.ask(nextRid(), body({ replace: null }));
  assert.equal((await session.next()).status, 202);
  assert.equal((await session.next()).status, 200);
  await session.leave();
});

for (const [renewalCodes, code, error] of [
  ['newer', 400040, 'FailedToDecodeCsr'],
  ['live-run', 400037, '400000'],
] as const) {
  for (const [csrRefusalAtHub, statuses] of [
    ['after-202', [202, 400]],
    ['at-once', [400]],
  ] as const) {
    test(`a request that the CA cannot read is ${code}, ${csrRefusalAtHub}`, async () => {
      await simulator.set({ renewalCodes, csrRefusalAtHub });
      const session = await enter();
      session.ask(nextRid(), body({ csr: 'AAAA' }));
      const said = [];
      for (const _ of statuses) said.push(await session.next());
      assert.deepEqual(
        said.map(({ status }) => status),
        statuses,
      );
      const last = said.at(-1)?.body;
      assert.equal(last?.errorCode, code);
      assert.equal(last?.info?.credentialError, error);
      await session.leave();
    });
  }
}

test('a policy that is gone refuses what a session asks for, and the session stays', async () => {
  await simulator.deletePolicy('monthly');
  const session = await enter();
  session.ask(nextRid(), body());
  const [accepted, refused] = [await session.next(), await session.next()];
  await simulator.createPolicy('monthly');
  assert.deepEqual([accepted.status, refused.body.errorCode], [202, 400040]);
  assert.equal(refused.body.info?.credentialError, 'PolicyNotFound');
  await settled(session);
  await session.leave();
});

test('renewalCn: where the two IDs differ, one name or either is right', async () => {
  const primary = (await simulator.clientIdentity('reg-1')).cert;
  const onboarding = await simulator.clientIdentity('reg-1');
  await simulator.set({ issuingEnrollments: 'all' });
  const certificatePolicy = { policy: 'monthly' };
  const secondary = onboarding.cert;
  await simulator.enrollIndividual({
    registrationId: 'reg-1',
    deviceId: 'dev-1',
    primary,
    secondary,
    certificatePolicy,
  });
  const identity = await certified(simulator, 'reg-1', onboarding);
  const session = await Session.open(simulator, 'dev-1', identity);
  await session.subscribe();
  for (const [renewalCn, cn, status] of [
    ['either', 'reg-1', 200],
    ['either', 'dev-1', 200],
    ['device-id', 'reg-1', 400],
    ['device-id', 'dev-1', 200],
    ['registration-id', 'reg-1', 200],
    ['registration-id', 'dev-1', 400],
  ] as const) {
    await simulator.set({ renewalCn });
    session.ask(nextRid(), { id: 'dev-1', csr: (await newRequest(cn)).csr });
    const [, last] = [await session.next(), await session.next()];
    assert.equal(last.status, status, `${renewalCn} ${cn}`);
  }
  await session.leave();
});

for (const [switches, topic, list] of [
  [{}, /^\$iothub\/credentials\/res\/200\/\?\$rid=rid-\d+$/, false],
  [{ renewalTopic: 'rid-and-version' }, /res\/200\/\?\$rid=rid-\d+&\$version=1$/, false],
  [{ renewalTopic: 'plain' }, /res\/200\/rid-\d+$/, false],
  [{ renewalBody: 'array' }, /res\/200/, true],
] as const) {
  test(`the form of the 200: ${JSON.stringify(switches)}`, async () => {
    await simulator.set(switches);
    const session = await enter();
    session.ask(nextRid(), body());
    await session.next();
    const said = await session.next();
    assert.match(said.topic, topic);
    assert.equal(Array.isArray(said.body), list);
    await session.leave();
  });
}

for (const [renewalQos, qos] of [
  ['granted', 1],
  ['zero', 0],
] as const) {
  test(`answers go out by QoS ${qos}: ${renewalQos}`, async () => {
    await simulator.set({ renewalQos });
    const session = await enter();
    const seen = new Promise((resolve) => session.client.once('message', (_t, _p, packet) => resolve(packet.qos)));
    session.ask(nextRid(), body());
    assert.equal(await seen, qos);
    assert.deepEqual([(await session.next()).status, (await session.next()).status], [202, 200]);
    await session.leave();
  });
}

for (const [renewalInClassicVersion, version, granted] of [
  ['refused', '2021-04-12', 128],
  ['served', '2021-04-12', 1],
  ['refused', HUB_VERSION, 1],
] as const) {
  test(`renewal in a session of ${version} is ${renewalInClassicVersion}: SUBACK ${granted}`, async () => {
    await simulator.set({ renewalInClassicVersion });
    const session = await Session.open(simulator, 'gw-1', leaf, {}, version);
    assert.equal(await session.subscribe(), granted);
    session.ask(nextRid(), body());
    if (granted === 128) await session.closed;
    else assert.deepEqual([(await session.next()).status, (await session.next()).status], [202, 200]);
    await session.leave();
  });
}

for (const unheardRequest of ['silence', 'close'] as const) {
  for (const [what, subscribed, used] of [
    ['before the subscription', false, 'rid-before'],
    ['without a usable rid', true, '-x'],
  ] as const) {
    test(`a request ${what}: ${unheardRequest}`, async () => {
      await simulator.set({ unheardRequest });
      const session = await Session.open(simulator, 'gw-1', leaf);
      if (subscribed) await session.subscribe();
      session.ask(used, body());
      if (unheardRequest === 'close') await session.closed;
      else {
        await settled(session);
        assert.ok(session.silent);
        await session.leave();
      }
    });
  }
}

test('a request before the subscription can be taken: its certificate waits', async () => {
  await simulator.set({ unheardRequest: 'taken' });
  const session = await Session.open(simulator, 'gw-1', leaf);
  const sent = nextRid();
  session.ask(sent, body());
  await settled(session);
  assert.ok(session.silent);
  await session.subscribe();
  assert.equal((await session.next()).topic, `$iothub/credentials/res/200/?$rid=${sent}`);
  await session.leave();
});

for (const [renewalKey, status] of [
  ['any', 200],
  ['of-before', 400],
] as const) {
  test(`a request for another key than that of the leaf before, where a key may be ${renewalKey}: ${status}`, async () => {
    const session = await enter();
    session.ask(nextRid(), body());
    assert.deepEqual([(await session.next()).status, (await session.next()).status], [202, 200]);
    await simulator.set({ renewalKey });
    session.ask(nextRid(), body({ csr: (await newRequest('gw-1')).csr }));
    const [, last] = [await session.next(), await session.next()];
    assert.equal(last.status, status);
    session.ask(nextRid(), body(status === 200 ? { csr: (await newRequest('gw-1')).csr } : {}));
    assert.deepEqual([(await session.next()).status, (await session.next()).status], [202, 200]);
    await session.leave();
  });
}
