import type { TestContext } from 'node:test';
import { startSimulator } from '../../simulator/simulator.ts';
import { Names } from '../check/nameless.ts';
import { Gateway } from '../stage/gateway.ts';

export const ID = 'gw-0001';
export const [DPS, HUB] = ['dps.example.com', 'hub.example.com'] as const;

/** A gateway, and a far side with names and addresses of its own: on the standard ports, which a firewall can close. */
export async function namedSite(t: TestContext) {
  const names = new Names(t);
  names.forget('127.0.0.1 localhost', `10.20.0.4 ${DPS}`, `10.20.0.5 ${HUB}`);
  const far = await startSimulator({
    places: { dps: { name: DPS, address: '10.20.0.4' }, hub1: { name: HUB, address: '10.20.0.5' } },
  });
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const gateway = new Gateway(far.endpoints, { runner: names.runner });
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  return { far, gateway };
}
