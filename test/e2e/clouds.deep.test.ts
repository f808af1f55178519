import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { insideNetworkNamespace } from '../namespace.ts';
import { Authority } from '../simulator/ca.ts';
import { type Place, type Simulator, startSimulator } from '../simulator/simulator.ts';
import { Names } from './check/nameless.ts';
import { redIn } from './check/red.ts';
import { Gateway } from './stage/gateway.ts';
import { holds } from './stage/holds.ts';
import { cut, PATIENCE_MS } from './stage/site.ts';

const ID = 'gw-0001';
const MQTTS = 8883;
const HTTPS = 443;

interface Cloud {
  readonly title: string;
  readonly dps: string;
  readonly hubs: readonly [string, string];
  /** dps.allowed_hubs */
  readonly allowed: readonly string[];
  /** Where DPS and hubs are. */
  readonly addresses: readonly [string, string, string];
  /** Another one than 8883. */
  readonly port?: number;
  readonly transport?: 'mqtt-ws';
  /** The name behind which DNS has the address. */
  readonly canonical?: (host: string) => string;
}

/** For documentation (RFC 5737). */
const PUBLIC = ['192.0.2.4', '192.0.2.5', '192.0.2.6'] as const;
const OF_THE_SITE = ['10.20.0.4', '10.20.0.5', '10.20.0.6'] as const;

const PRIVATE = {
  dps: 'plant.azure-devices-provisioning.net',
  hubs: ['plant-1.azure-devices.net', 'plant-2.azure-devices.net'],
  addresses: OF_THE_SITE,
  // "Private DNS zone name" in Microsoft's "Azure Private Endpoint private DNS zone values": the public name is its alias.
  canonical: (host: string) => host.replace('.', '.privatelink.'),
} as const;

const CLOUDS: readonly Cloud[] = [
  {
    title: 'China',
    dps: 'global.azure-devices-provisioning.cn',
    hubs: ['plant-1.azure-devices.cn', 'plant-2.azure-devices.cn'],
    allowed: ['.azure-devices.cn'],
    addresses: PUBLIC,
  },
  {
    title: 'US government, over 443',
    dps: 'global.azure-devices-provisioning.us',
    hubs: ['plant-1.azure-devices.us', 'plant-2.azure-devices.us'],
    allowed: ['.azure-devices.us'],
    addresses: PUBLIC,
    transport: 'mqtt-ws',
  },
  { title: 'private endpoints', ...PRIVATE, allowed: ['.azure-devices.net'] },
  { title: 'private endpoints, at another port of the site', ...PRIVATE, allowed: PRIVATE.hubs, port: 18_883 },
];

/** Lines of hosts(5), as the DNS of the site answers. */
function namesOf({ dps, hubs, addresses, canonical }: Cloud): readonly string[] {
  const lines = [dps, ...hubs].map((host, at) => [addresses[at], canonical?.(host), host].filter(Boolean).join(' '));
  return ['127.0.0.1 localhost', ...lines];
}

async function farSide({ dps, hubs, addresses, port }: Cloud): Promise<Simulator> {
  const at = (name: string, address: string): Place => ({ name, address, ...(port && { port }) });
  const [ofDps, ofHub1, ofHub2] = addresses;
  const far = await startSimulator({
    places: { dps: at(dps, ofDps), hub1: at(hubs[0], ofHub1), hub2: at(hubs[1], ofHub2) },
  });
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  return far;
}

/** The file with a setting in place of that of the same name. */
const instead = (written: string, name: string, value: string): readonly string[] => [
  ...written.split('\n').filter((line) => !line.startsWith(`${name} = `)),
  `${name} = ${value}`,
];

async function story(t: TestContext, cloud: Cloud): Promise<void> {
  const { dps, hubs, allowed, addresses, transport, port = transport === 'mqtt-ws' ? HTTPS : MQTTS } = cloud;
  const names = new Names(t);
  names.forget(...namesOf(cloud));
  const far = await farSide(cloud);
  const [dpsAt, hub1At, hub2At] = [far.endpoints.dps, far.endpoints.hub1, far.endpoints.hub2];
  const written = [dps, ...hubs].map((host) => (cloud.port === undefined ? host : `${host}:${cloud.port}`));
  assert.deepEqual([dpsAt, hub1At, hub2At], written, 'as Azure names them');
  const gateway = new Gateway(far.endpoints, {
    settings: {
      'dps.allowed_hubs': JSON.stringify(allowed),
      'network.transport': JSON.stringify(transport ?? 'auto'),
    },
    runner: names.runner,
  });
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  const configured = readFileSync(gateway.configuration, 'utf8').trim();
  const firstRed = async () => redIn(await gateway.command('check'))[0];

  // The hubs of another cloud.
  gateway.configure(instead(configured, 'dps.allowed_hubs', '[".azure-devices.example"]'));
  await gateway.start();
  await gateway.until(({ trouble }) => trouble?.code === 'NL-DPS-HUB', PATIENCE_MS);
  assert.equal(
    await firstRed(),
    `trouble NL-DPS-HUB DPS assigned the hub ${hub1At}, which dps.allowed_hubs does not allow. → Operator: correct the allocation in DPS, or dps.allowed_hubs (then restart newleaf), then \`newleaf reprovision\`.`,
  );
  assert.equal(far.log.count({ server: 'hub1', event: 'tcp' }), 0, 'the gateway does not go there');
  await gateway.stop();
  gateway.configure([configured]);

  let asked = far.log.registrations(ID);
  await gateway.start();
  assert.equal((await gateway.command('reprovision', '--wait')).code, 0, 'as the advice says');
  const first = await far.log.waitFor({ event: 'connected', server: 'hub1' }, PATIENCE_MS);
  await gateway.settled();
  assert.equal(far.log.registrations(ID), asked + 1);
  await far.lay('hub1', 'connack', { code: 5, times: 1 });
  await cut(far);
  await far.log.waitFor({ event: 'connected', server: 'hub1' }, PATIENCE_MS, first.seq);
  await gateway.settled();
  assert.equal(far.log.registrations(ID), asked + 2, 'the refusal cost one registration');
  assert.equal((await gateway.command('roll', '--wait')).code, 0);
  assert.equal(far.log.count({ event: 'issued' }), 2);
  await far.assign(ID, 'hub2');
  asked = far.log.registrations(ID);
  assert.equal((await gateway.command('reprovision', '--wait')).code, 0);
  assert.equal(far.log.registrations(ID), asked + 1);
  holds(await gateway.settled(), { hub: { host: hub2At } });
  const { code, out } = await gateway.command('check');
  assert.equal(code, 0, out);
  const isOver443 = transport === 'mqtt-ws';
  for (const [host, address] of [
    [dpsAt, addresses[0]],
    [hub2At, addresses[2]],
  ] as const) {
    const place = isOver443 ? `${host}:${HTTPS}` : host;
    assert.ok(out.includes(`${place} answers at ${address} port ${port}, trusted`), out);
  }
  assert.equal(far.log.count({ event: 'websocket' }) > 0, isOver443);
  await gateway.stop();

  const place = isOver443 ? `${dpsAt}:${HTTPS}` : dpsAt;
  const otherRoot = gateway.file('other.pem', (await Authority.create('root of another cloud', 0)).rootPem);
  gateway.configure(instead(configured, 'trust.ca_file', otherRoot));
  const file = JSON.parse(otherRoot);
  assert.equal(
    await firstRed(),
    `dps-reach NL-DPS-UNTRUSTED ${place} shows a certificate issued by "server CA root", which ${file} does not vouch for (UNABLE_TO_VERIFY_LEAF_SIGNATURE). → If that issuer is right, add it to ${file}; if not, a proxy or a captive portal answers in its place: talk to the operator of the network.`,
  );
  gateway.configure([configured]);

  names.forget('127.0.0.1 localhost');
  assert.equal(
    await firstRed(),
    `dps-reach NL-DPS-UNREACHABLE The name ${dps} cannot be resolved: no name server answers (EAI_AGAIN). → Check the name servers (resolvectl status, /etc/resolv.conf), and dps.endpoint.`,
  );
}

if (insideNetworkNamespace(import.meta.filename)) {
  for (const address of [...PUBLIC, ...OF_THE_SITE]) {
    execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo']);
  }
  for (const cloud of CLOUDS) {
    test(`${cloud.title}: provisioning, refusal, roll, another hub; and what check says where something is wrong`, (t) =>
      story(t, cloud));
  }
}
