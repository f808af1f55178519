import type { TestContext } from 'node:test';
import { Swtpm } from '../../contract/tpm/swtpm.ts';
import type { Entry } from '../../simulator/log.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { Gateway, type GatewayOptions } from '../stage/gateway.ts';
import { PATIENCE_MS } from '../stage/site.ts';

export const ID = 'gw-0001';

/** The far side, a software TPM, and a gateway that attests by it and has not been started. */
export interface TpmSite {
  readonly far: Simulator;
  readonly swtpm: Swtpm;
  readonly gateway: Gateway;
  /** Base64, as `newleaf tpm` prints it. */
  readonly endorsementKey: string;
}

/**
 * All of it goes away with the test. Nothing is enrolled.
 * @param through gives the device by which the gateway reaches the TPM
 */
export async function tpmSite(
  t: TestContext,
  through: (swtpm: Swtpm) => Promise<string> | string = ({ device }) => device,
  options: GatewayOptions = {},
): Promise<TpmSite> {
  // What can fail where no swtpm is installed comes before what would stay open.
  const swtpm = Swtpm.start();
  const far = await startSimulator();
  const gateway = new Gateway(far.endpoints, options);
  t.after(async () => {
    await gateway.remove();
    await far.close();
    await swtpm[Symbol.asyncDispose]();
  });
  gateway.configure(configuration(far, gateway, await through(swtpm)));
  const { out } = await gateway.command('tpm', '--json');
  return { far, swtpm, gateway, endorsementKey: JSON.parse(out).endorsementKey };
}

function configuration({ endpoints }: Simulator, gateway: Gateway, device: string): readonly string[] {
  return [
    '[dps]',
    `endpoint = "${endpoints.dps}"`,
    `id_scope = "${endpoints.idScope}"`,
    `registration_id = "${ID}"`,
    'attestation = "tpm"',
    `[tpm]\ndevice = "${device}"`,
    `[trust]\nca_file = ${gateway.file('trust.pem', endpoints.trustPem)}`,
    `[state]\ndirectory = "${gateway.stateDirectory}"`,
    `[control]\nsocket = "${gateway.socket}"`,
    '[log]\nlevel = "debug"',
  ];
}

export interface TpmServing extends TpmSite {
  /** The hub's entry of the session that is open. */
  readonly session: Entry;
}

/** A gateway that has registered by its TPM, and serves. */
export async function tpmServing(t: TestContext, through?: (swtpm: Swtpm) => Promise<string>): Promise<TpmServing> {
  const site = await tpmSite(t, through);
  const { far, gateway, endorsementKey } = site;
  await far.enrollIndividual({ registrationId: ID, tpm: { endorsementKey } });
  await gateway.start();
  const session = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
  return { ...site, session };
}

/** The key that the hub knows, base64. */
export const keyAtHub = async (far: Simulator): Promise<string | undefined> => (await far.device(ID))?.thumbprints.key;

/** Waits until the hub has accepted another session than those that it had. */
export const another = (far: Simulator, after: Entry): Promise<Entry> =>
  far.log.waitFor({ event: 'connected' }, PATIENCE_MS, after.seq);

/** How a request ended, once it has. */
export async function outcomeOf(gateway: Gateway, id: string) {
  const { outcomes } = await gateway.until((status) => status.outcomes.some((one) => one.id === id));
  return outcomes.find((one) => one.id === id);
}
