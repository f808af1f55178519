import type { TestContext } from 'node:test';
import { Gateway } from '../e2e/stage/gateway.ts';
import { tpmSite } from '../e2e/tpm/site.ts';
import { startSimulator } from '../simulator/simulator.ts';
import type { Places } from './places.ts';
import { program } from './program.ts';
import { type At, ID, type Story } from './stories.ts';

/** A far side of its own, and a gateway whose places are counted, not started; all goes away with the test. */
export async function siteOf(t: TestContext, story: Story, places: Places): Promise<At> {
  const beside = { programs: [], accepted: new Set<string>() };
  const options = { program: [...places.runner, ...program()] };
  if (story.isTpm) {
    const { far, gateway, endorsementKey } = await tpmSite(t, ({ device }) => device, options);
    await far.enrollIndividual({ registrationId: ID, tpm: { endorsementKey } });
    return { far, gateway, ...beside };
  }
  const far = await startSimulator();
  let gateway: Gateway | undefined;
  t.after(async () => {
    await gateway?.remove();
    await far.close();
  });
  const settings = { ...(await story.settings?.(t, far)), 'hsm.module': JSON.stringify(places.module) };
  gateway = new Gateway(far.endpoints, { ...options, settings });
  const at = { far, gateway, ...beside };
  if (story.enroll === undefined) await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  else await story.enroll(at);
  return at;
}
