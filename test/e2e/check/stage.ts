import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { validateEntry } from '../../../agent/state/entry.ts';
import type { IssuePolicy } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { FakeTime } from '../stage/fake-time.ts';
import { Gateway } from '../stage/gateway.ts';
import { Names } from './nameless.ts';

/** A gateway that has been provisioned and stopped, with a clock and names of its own. */
export interface Stage {
  readonly t: TestContext;
  readonly far: Simulator;
  readonly gateway: Gateway;
  readonly names: Names;
  /** Seconds by which the clock of the gateway is wrong, or of the gateway and of the far side. */
  setClock(offset: number, whose: 'gateway' | 'everybody'): void;
  /** Lines of the configuration, in place of those for the same keys. */
  configure(settings: Readonly<Record<string, string>>): void;
  /** CKA_ID of the key of the current leaf, in hex. */
  readonly keyId: string;
  /** Serial number of the token. */
  readonly serial: string;
  readonly trustFile: string;
}

export async function provisioned(t: TestContext, policy: IssuePolicy = {}): Promise<Stage> {
  const time = new FakeTime(t);
  const names = new Names(t);
  let offset = 0;
  const far = await startSimulator({ now: () => Date.now() + offset * 1000 });
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  await far.setPolicy(policy);
  const gateway = new Gateway(far.endpoints, { runner: [...names.runner, ...time.runner] });
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  await gateway.start();
  await gateway.settled();
  await gateway.stop();
  const { entry } = JSON.parse(readFileSync(join(gateway.stateDirectory, 'state.json'), 'utf8'));
  return {
    t,
    far,
    gateway,
    names,
    keyId: validateEntry(entry).current?.key.id ?? '',
    serial: gateway.token.serial(),
    trustFile: join(gateway.directory, 'trust.pem'),
    setClock(seconds, whose) {
      time.set(seconds);
      if (whose === 'everybody') offset = seconds;
    },
    configure(settings) {
      const lines = readFileSync(gateway.configuration, 'utf8').trim().split('\n');
      const kept = lines.filter((line) => !Object.hasOwn(settings, line.split(' = ', 1)[0] ?? ''));
      gateway.configure([...kept, ...Object.entries(settings).map(([key, value]) => `${key} = ${value}`)]);
    },
  };
}
