import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { Ground } from '../../scripts/field/cloud/ground.ts';
import { TRIGGERS } from '../../scripts/field/cloud/triggers.ts';
import { withEnvironment } from '../put-back.ts';
import { startSimulator } from '../simulator/simulator.ts';

/** Longer than it takes to type the next line. */
const INTERVAL = '"5s"';

suite('scripts/field/azure: triggers', () => {
  for (const title of ['The direct method reprovision', 'A job of the hub']) {
    test(`${title}, a moment after a roll: it is asked again once newleaf may roll`, async (t) => {
      const far = await startSimulator();
      const { endpoints } = far;
      const host = (connection: string): string => /HostName=([^;]*)/.exec(connection)?.[1] ?? '';
      const services = {
        ...endpoints,
        dpsHost: host(endpoints.dpsService),
        hubHost: endpoints.hub1,
        hubService: endpoints.hub1Service,
      };
      const trust = join(mkdtempSync(join(tmpdir(), 'newleaf-trigger-')), 'trust.pem');
      writeFileSync(trust, endpoints.trustPem);
      withEnvironment({ NODE_EXTRA_CA_CERTS: trust }, t);
      const ground = await Ground.open(services, async () => undefined);
      t.after(async () => {
        await ground.clear();
        await far.close();
        rmSync(dirname(trust), { recursive: true });
      });
      await far.trustCa(await ground.pem('root'));
      ground.operator.keep('ca.pem', await ground.pem('intermediate'));
      await ground.operator.types('enroll add group group --certificate ca.pem');
      const gateway = ground.gateway('t-1', { settings: { 'limits.min_roll_interval': INTERVAL } });
      const pull = async (of: string): Promise<void> => TRIGGERS.find((one) => one.title === of)?.pull(ground, gateway);
      for (const one of ['The first start, with a group', 'A technician: newleaf roll', title]) await pull(one);
      const { outcomes } = await gateway.status();
      const rolls = outcomes.filter(({ action, reason }) => action === 'roll' && reason === 'asked');
      assert.equal(rolls.length, 2, JSON.stringify(outcomes));
    });
  }
});
