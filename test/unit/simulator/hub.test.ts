import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { hubUsername, knock } from '../../clients/raw.ts';
import { Wire } from '../../clients/wire.ts';
import { Authority, type Identity } from '../../simulator/ca.ts';
import type { Switches } from '../../simulator/switches.ts';
import { staged } from './stage.ts';

const METHODS = '$iothub/methods/POST/#';
const CERTIFICATE = /-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n?/g;

const { simulator, leaf } = await staged();
const [flat, deep] = await Promise.all([Authority.create('flat', 0), Authority.create('deep', 2)]);
for (const { rootPem } of [flat, deep]) await simulator.trustHubCa('hub1', rootPem);
const [other, stranger] = [await simulator.clientIdentity('gw-1'), await simulator.bootstrapIdentity('gw-1')];
const old = await simulator.clientIdentity('gw-1', { lifetimeMs: -60_000 });

beforeEach(async () => {
  if (await simulator.device('gw-1')) await simulator.forget('gw-1');
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
});

const write =
  (...prints: [string, string?]) =>
  () =>
    simulator.writeDevice('hub1', 'gw-1', ...prints);
const byCa = () => simulator.writeCaDevice('hub1', 'gw-1');
const disable = () => simulator.setDeviceStatus('gw-1', 'disabled');
const without = async (ca: Authority, index: number): Promise<Identity> => {
  const { key, cert } = await ca.clientIdentity('gw-1');
  return { key, cert: (cert.match(CERTIFICATE) ?? []).filter((_, place) => place !== index).join('') };
};
const sha1 = () => new X509Certificate(leaf.cert).fingerprint.replaceAll(':', '');

interface Comer {
  /** How the device is known. Default: by the thumbprint of its leaf. */
  readonly known?: () => Promise<unknown>;
  readonly identity?: () => Identity | Promise<Identity>;
  readonly username?: () => string;
  readonly set?: Partial<Switches>;
}
const ofVersion = (version: string) => () => hubUsername(simulator.endpoints.hub1, 'gw-1', version);
const PREVIEW = '2025-08-01-preview';
const NO_CHAIN = 'the chain does not reach a CA of this hub';

const connacks: readonly (readonly [what: string, Comer, code: number | undefined, reason?: string])[] = [
  ['its leaf', {}, 0],
  ['another leaf of the same CA', { identity: () => other }, 5, 'thumbprint does not match'],
  ['the secondary', { known: () => write(leaf.thumbprint, other.thumbprint)(), identity: () => other }, 0],
  ['a leaf of any CA, by its thumbprint', { known: () => write(stranger.thumbprint)(), identity: () => stranger }, 0],
  ['a thumbprint of SHA-1', { known: () => write(sha1())() }, 0],
  ['an expired leaf', { known: () => write(old.thumbprint)(), identity: () => old }, undefined],
  ['a device that is not there', { known: () => simulator.forget('gw-1') }, 5, 'no such device'],
  ['a device that is disabled', { known: disable }, 5, 'device disabled'],
  ['a device that is disabled, as in 2017', { known: disable, set: { disabledConnack: 3 } }, 3],
  ['the name of another device', { username: () => hubUsername(simulator.endpoints.hub1, 'gw-2') }, 5],
  ['the name of another hub', { username: () => hubUsername(simulator.endpoints.hub2, 'gw-1') }, 5],
  ['the version of renewal', { username: ofVersion(PREVIEW) }, 0],
  ['a version that does not exist', { username: ofVersion('2021-04-13') }, 5],
  ['a version that a hub knows no more', { username: ofVersion(PREVIEW), set: { hubVersions: 'classic' } }, 5],
  ['whatever version, where a hub takes all', { username: ofVersion('tomorrow'), set: { hubVersions: 'any' } }, 0],
  ['a leaf of a root that the hub trusts', { known: byCa, identity: () => flat.clientIdentity('gw-1') }, 0],
  ['a leaf with its intermediates', { known: byCa, identity: () => deep.clientIdentity('gw-1') }, 0],
  ['a leaf without its issuer', { known: byCa, identity: () => without(deep, 1) }, 5, NO_CHAIN],
  ['a leaf without the issuer above', { known: byCa, identity: () => without(deep, 2) }, 5, NO_CHAIN],
  ['a leaf of a CA that only DPS trusts', { known: byCa }, 5, NO_CHAIN],
  ['a leaf of the CA with another CN', { known: byCa, identity: () => flat.clientIdentity('gw-2') }, 5, 'CN differs'],
];
for (const [
  what,
  { known, identity = () => leaf, username = ofVersion('2021-04-12'), set },
  code,
  reason,
] of connacks) {
  test(`CONNECT with ${what}: CONNACK ${code}`, async () => {
    await known?.();
    await simulator.set(set ?? {});
    const since = simulator.log.entries.length;
    const options = { clientId: 'gw-1', username: username() };
    const { hub1, trustPem } = simulator.endpoints;
    const { connack, client } = await knock(hub1, trustPem, await identity(), options);
    client.end(true);
    assert.equal(connack, code);
    if (reason)
      await simulator.log.waitFor(
        (entry) => entry.code === 5 && entry.reason?.startsWith(reason) === true,
        60_000,
        since,
      );
  });
}

const enter = (identity: Identity = leaf, clean = true) =>
  Wire.enter(simulator.endpoints, simulator.endpoints.hub1, 'gw-1', identity, clean);

const ends: readonly (readonly [what: string, reason: string, act: () => Promise<unknown>])[] = [
  ['it is deleted', 'device removed', () => simulator.forget('gw-1')],
  ['it is disabled', 'device disabled', disable],
  ['it connects once more', 'newer connection', () => enter()],
];
for (const [what, reason, act] of ends) {
  test(`the session of a device ends when ${what}`, async () => {
    const wire = await enter();
    const since = simulator.log.entries.length;
    await act();
    await wire.closed;
    await simulator.log.waitFor({ event: 'disconnected', reason }, 60_000, since);
  });
}

test('a connection that is refused leaves the open session alone', async () => {
  const wire = await enter();
  await assert.rejects(enter(other), /"returnCode":5/);
  assert.equal(await wire.subscribe(METHODS, 1), 1);
  await wire.leave();
});

test('a session can be made to end with its leaf', async () => {
  await simulator.set({ sessionsEndAtNotAfter: true });
  const short = await simulator.clientIdentity('gw-1', { lifetimeMs: 1_500 });
  await write(short.thumbprint)();
  const wire = await enter(short);
  await wire.closed;
  await simulator.log.waitFor({ event: 'disconnected', reason: 'leaf expired' });
});

// iot-mqtt-connect-to-iot-hub: "If the device connects with CleanSession 0, the subscription is persisted".
for (const [what, clean, between, code] of [
  ['outlive the connection', false, async () => undefined, 504101],
  ['end with CleanSession 1', true, async () => undefined, 404103],
  [
    'end with the identity',
    false,
    async () => {
      await simulator.forget('gw-1');
      await write(leaf.thumbprint)();
    },
    404103,
  ],
] as const) {
  test(`subscriptions ${what}: a method is ${code}`, async () => {
    const wire = await enter(leaf, false);
    await wire.subscribe(METHODS, 1);
    const since = simulator.log.entries.length;
    await wire.leave();
    await simulator.log.waitFor({ event: 'disconnected' }, 60_000, since);
    await assert.rejects(simulator.callMethod('gw-1', 'echo'), { errorCode: 404103 }, 'it is away');
    await between();
    const back = await enter(leaf, clean);
    await assert.rejects(simulator.callMethod('gw-1', 'echo', {}, 20), { errorCode: code });
    await back.leave();
  });
}

// iot-hub-devguide-direct-methods: "a valid JSON or an empty body".
test('a method has the body that was given, or none; its answer counts once, and only from the device that was asked', async () => {
  const stranger = await simulator.clientIdentity('gw-2');
  await simulator.writeDevice('hub1', 'gw-2', stranger.thumbprint);
  const [wire, thief] = [
    await enter(),
    await Wire.enter(simulator.endpoints, simulator.endpoints.hub1, 'gw-2', stranger),
  ];
  await wire.subscribe(METHODS, 0);
  for (const [payload, body] of [
    [undefined, ''],
    [null, 'null'],
    [{ n: 1 }, '{"n":1}'],
  ] as const) {
    const call = simulator.callMethod('gw-1', 'do.x_Y', payload);
    const packet = await wire.next();
    assert.ok(packet.cmd === 'publish');
    const [, rid = ''] = /^\$iothub\/methods\/POST\/do\.x_Y\/\?\$rid=(.+)$/.exec(packet.topic) ?? [];
    assert.equal(String(packet.payload), body);
    const since = simulator.log.entries.length;
    thief.publish(`$iothub/methods/res/500/?$rid=${rid}`, '"stolen"');
    await simulator.log.waitFor({ event: 'method-answer', clientId: 'gw-2' }, 60_000, since);
    wire.publish(`$iothub/methods/res/418/?$rid=${rid}`, '');
    wire.publish(`$iothub/methods/res/200/?$rid=${rid}`, '"twice"');
    assert.deepEqual(await call, { status: 418, payload: undefined });
  }
  await Promise.all([wire.leave(), thief.leave()]);
});
