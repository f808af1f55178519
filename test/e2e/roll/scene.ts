import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { GRACE_REFUSALS } from '../../../agent/roll/decide.ts';
import type { Status } from '../../../agent/roll/report.ts';
import type { ClientIdentity, IssuePolicy } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { Switches } from '../../simulator/switches.ts';
import { Gateway, type GatewayOptions } from '../gateway.ts';
import { PATIENCE_MS } from '../site.ts';
import { Operator } from './operator.ts';

export const ID = 'gw-0001';
export const GROUP = 'gateways';

/** A far side that enrolls nobody yet, its operator, and a gateway that has not been started. */
export interface Scene {
  readonly far: Simulator;
  readonly operator: Operator;
  readonly gateway: Gateway;
  /** What the operator finds in the state directory: the leaf alone, as an enrollment takes it. */
  leafPem(name: 'leaf.pem' | 'next.pem'): string;
}

/** A scene whose gateway has a key from the factory in its token. Somebody has kept a copy of key and leaf. */
export interface FactoryScene extends Scene {
  readonly stolen: ClientIdentity;
}

export async function scene(
  t: TestContext,
  switches: Partial<Switches> = {},
  options: GatewayOptions = {},
): Promise<Scene> {
  const far = await startSimulator({ switches });
  const gateway = new Gateway(far.endpoints, { registrationId: ID, ...options });
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  const leafPem = (name: string) => firstOf(readFileSync(join(gateway.stateDirectory, name), 'utf8'));
  return { far, gateway, operator: new Operator(far.endpoints), leafPem };
}

/** @param policy how the factory's leaf is made */
export async function factoryScene(
  t: TestContext,
  switches: Partial<Switches> = {},
  policy: IssuePolicy = {},
): Promise<FactoryScene> {
  const made = await scene(t, switches, { settings: { 'hsm.key': '"pkcs11:object=factory"' } });
  const stolen = await made.far.clientIdentity(ID, policy);
  importFactoryKey(made.gateway, stolen);
  return { ...made, stolen };
}

/** Starts the gateway, and waits until the hub has let it in. */
export async function begin({ far, gateway }: Scene): Promise<void> {
  await gateway.start();
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
}

/** Calls the gateway once more, and waits until it has registered. */
export async function comesBack({ operator, gateway }: Scene): Promise<Status> {
  const id = `again-${gateway.log.lines.length}`;
  await operator.reprovision(ID, { id });
  return gateway.until(({ last }) => last?.id === id);
}

/** Lets the hub refuse the next leaf for good, without the pauses: each question of a technician tries at once. */
export async function refusedForGood(gateway: Gateway): Promise<void> {
  const { log } = gateway;
  const refused = { event: 'failed', action: 'connect', phase: 'connecting-next' };
  let since = 0;
  // After the last refusal it is in another phase.
  for (let times = 1; times < GRACE_REFUSALS; times += 1) {
    const line = await log.waitFor(refused, { since, timeoutMs: PATIENCE_MS });
    since = log.lines.indexOf(line) + 1;
    await gateway.post('/v1/reprovision');
  }
}

/** The first certificate of a chain. */
const firstOf = (chain: string): string => new X509Certificate(chain).toString();

const FACTORY_ID = 'fa';

/** Key and chain, under one CKA_ID as factories do it. */
function importFactoryKey(gateway: Gateway, { key, cert }: ClientIdentity): void {
  const { hsm } = gateway.token;
  const written = (name: string, text: string): string => {
    gateway.file(name, text, 0o600);
    return join(gateway.directory, name);
  };
  execFileSync(
    'softhsm2-util',
    [
      ...['--import', written('factory.key', key), '--id', FACTORY_ID, '--label', 'factory'],
      ...['--token', hsm.token, '--pin', hsm.pin],
    ],
    { env: { ...process.env, ...hsm.environment }, stdio: 'pipe' },
  );
  for (const [index, pem] of (cert.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).entries()) {
    const object = ['--write-object', written(`factory-${index}.pem`, pem), '--type', 'cert'];
    gateway.token.ask(...object, '--id', FACTORY_ID, '--label', 'factory');
  }
}
