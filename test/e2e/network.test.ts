import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, type TestContext, test } from 'node:test';
import { HttpProxy } from '../simulator/proxy.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import { prints } from './arrow.ts';
import { Gateway } from './stage/gateway.ts';
import { cut, PATIENCE_MS } from './stage/site.ts';

const ID = 'gw-0001';
const NAME = 'newleaf';
const PASSWORD = 'through-the-wall';

interface Way {
  readonly transport: 'mqtt' | 'mqtt-ws' | 'auto';
  /** `open`: no password. */
  readonly proxy?: 'open' | 'with a password' | 'for 443 only';
  readonly renegotiates?: true;
}

const WAYS: readonly Way[] = [
  { transport: 'mqtt' },
  { transport: 'mqtt-ws' },
  { transport: 'mqtt-ws', renegotiates: true },
  { transport: 'mqtt', proxy: 'open' },
  { transport: 'mqtt-ws', proxy: 'with a password' },
  { transport: 'mqtt-ws', proxy: 'with a password', renegotiates: true },
];

interface Stage {
  readonly far: Simulator;
  readonly gateway: Gateway;
  readonly proxy: HttpProxy;
}

/** A gateway that has not been started, behind a proxy that it uses where the way says so. */
async function stage(
  t: TestContext,
  way: Way,
  more: (far: Simulator) => Readonly<Record<string, string>> = () => ({}),
) {
  const far = await startSimulator(way.renegotiates && { switches: { webSocketCertificate: 'renegotiation' } });
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const hasPassword = way.proxy === 'with a password';
  const proxy = await HttpProxy.start(hasPassword ? `${NAME}:${PASSWORD}` : undefined);
  const gateway = new Gateway(far.endpoints, {
    settings: {
      'network.transport': JSON.stringify(way.transport),
      ...(way.proxy !== undefined && { 'network.proxy': JSON.stringify(proxy.url) }),
      ...more(far),
    },
  });
  t.after(async () => {
    await gateway.remove();
    await proxy[Symbol.asyncDispose]();
    await far.close();
  });
  return { far, gateway, proxy };
}

/** Provisioning, a refusal by the hub, and a roll. */
async function story({ far, gateway }: Stage): Promise<void> {
  await gateway.start();
  const first = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
  await far.lay('hub1', 'connack', { code: 5, times: 1 });
  await cut(far);
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, first.seq);
  await gateway.settled();
  assert.equal(far.log.registrations(ID), 2, 'the refusal cost one registration');
  assert.equal((await gateway.command('roll', '--wait')).code, 0);
  await gateway.settled();
  assert.equal(far.log.count({ event: 'issued' }), 2);
}

/** Requests of the EST server, DPS and the hub that did not come through the proxy would be missing here. */
const reached = ({ proxy }: Stage) => new Set(proxy.asked.filter(({ status }) => status === 200).map(({ to }) => to));

suite('provisioning, a refusal and a roll', { concurrency: 2 }, () => {
  for (const way of WAYS) {
    const { transport, proxy, renegotiates } = way;
    const title = [transport, proxy && `a proxy, ${proxy}`, renegotiates && 'TLS 1.2 with renegotiation'];
    test(title.filter(Boolean).join(', '), async (t) => {
      const at = await stage(t, way);
      if (proxy === 'with a password') {
        const file = at.gateway.file('proxy-password', `${PASSWORD}\n`, 0o600);
        const before = readFileSync(at.gateway.configuration, 'utf8');
        at.gateway.configure([before, `network.proxy_username = "${NAME}"\nnetwork.proxy_password_file = ${file}`]);
      }
      await story(at);
      const { dps, hub1, est } = at.far.endpoints;
      const places = [dps, hub1, new URL(est).host];
      assert.deepEqual([...reached(at)].sort(), proxy === undefined ? [] : places.sort());
      const sockets = at.far.log.entries.filter(({ event }) => event === 'websocket');
      assert.equal(sockets.length > 0, transport === 'mqtt-ws');
      for (const { thumbprint } of sockets) assert.notEqual(thumbprint, '', 'the leaf was shown');
      assert.ok(!at.gateway.noise.includes(PASSWORD) && !JSON.stringify(at.gateway.log.lines).includes(PASSWORD));
    });
  }

  test('auto, and a proxy that lets only 443 through', async (t) => {
    const hostIn = (text: string) => /HostName=([^;]+)/.exec(text)?.[1] ?? '';
    const at = await stage(t, { transport: 'auto', proxy: 'for 443 only' }, ({ endpoints }) => ({
      'dps.endpoint': JSON.stringify(hostIn(endpoints.dpsService)),
      'network.no_proxy': '["localhost"]',
    }));
    at.proxy.fault = { port: 8883, status: 403 };
    await at.gateway.start();
    await at.far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
    await at.gateway.settled();
    const host = hostIn(at.far.endpoints.dpsService);
    assert.deepEqual(at.proxy.asked.map(({ to }) => to).slice(0, 2), [`${host}:8883`, `${host}:443`]);
    assert.equal(at.gateway.log.matching({ event: 'way-changed' }).length, 1);
    assert.equal(at.far.log.registrations(ID), 1);
  });

  test('mqtt, and a proxy that lets only 443 through: check says what goes by 443', async (t) => {
    const hostIn = (text: string) => /HostName=([^;]+)/.exec(text)?.[1] ?? '';
    const { far, gateway, proxy } = await stage(t, { transport: 'mqtt', proxy: 'for 443 only' }, ({ endpoints }) => ({
      'dps.endpoint': JSON.stringify(hostIn(endpoints.dpsService)),
      'network.no_proxy': '["localhost"]',
    }));
    proxy.fault = { port: 8883, status: 403 };
    await gateway.start();
    await gateway.until(({ trouble }) => trouble?.code === 'NL-NETWORK-PROXY-REFUSED');
    await prints(gateway, ['check', 'dps-reach'], 'NL-NETWORK-PROXY-REFUSED', ['systemctl restart newleaf']);
    const before = readFileSync(gateway.configuration, 'utf8');
    gateway.configure([before.replace('network.transport = "mqtt"', 'network.transport = "auto"')]);
    await gateway.stop();
    await gateway.start();
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
    await gateway.settled();
  });
});
