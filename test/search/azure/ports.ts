import { Fault } from '../../../agent/failure/failure.ts';
import { type AskingDps, createAzure } from '../../../agent/issuer/azure/azure.ts';
import { LeafPace } from '../../../agent/issuer/azure/pace.ts';
import { HubRenewal } from '../../../agent/issuer/azure/renewal.ts';
import { ofOnboarding } from '../../../agent/keys/onboarding.ts';
import { keyIn } from '../csr.ts';
import { fail, registration, type Wait } from '../registration.ts';
import type { World } from '../world.ts';
import type { Azure } from './azure.ts';

/** The real issuer `azure` as one process of the daemon has it, before a far side that is played. */
export function azurePorts(world: World, azure: Azure, wait: Wait) {
  const { clock, state } = world.options;
  const now = () => clock.now();
  const renewal = new HubRenewal(undefined, undefined, clock);

  async function register(asking: AskingDps, abort: AbortSignal) {
    const { csr, asked, read } = asking;
    let said: Parameters<typeof read>[0] = {};
    try {
      const assignment = await registration(world, wait, abort, {
        handshake: () => azure.handshake(),
        refusal: () => world.refusalOf(),
        ...(asked && { asked }),
        accepted: () => {
          if (csr !== undefined && world.faults.issuing === 'other') fail('NL-DPS-OTHER');
          said = answerTo(csr);
        },
        pins: world.session?.leaf.thumbprint ?? 'any leaf of the CA',
      });
      read(said);
      return assignment;
    } catch (error) {
      throw ofOnboarding(error, azure.onboarding, now());
    }
  }

  function answerTo(csr: string | undefined): Readonly<Record<string, unknown>> {
    const { issuing } = world.faults;
    const connectionProfile = issuing === 'mqttV5' ? issuing : undefined;
    if (csr === undefined) return { connectionProfile };
    if (!azure.hasPolicy || issuing === 'none') return { connectionProfile };
    const issued = azure.issue(csr).toString('base64');
    return { connectionProfile, issuedCertificateChain: [issuing === 'unreadable' ? 'no certificate' : issued] };
  }

  const parts = createAzure({
    state,
    now,
    renewal,
    register,
    pace: new LeafPace({
      read: async () => azure.record,
      async write(record) {
        await wait(10);
        if (world.faults.disk === 'nothing') throw new Fault('NL-STATE-WRITE');
        azure.record = record;
      },
      current: () => state().current,
      now,
    }),
    demandKey: async ({ key: { slot, id } }) => fail(world.token.keys().get(slot) === id ? undefined : 'NL-TOKEN-KEY'),
  });
  const issue = (csr: string, abort: AbortSignal) => {
    world.ask('issue', keyIn(csr));
    return parts.issuer.issue(csr, abort);
  };
  return { ...parts, issuer: { issue }, renewal };
}
