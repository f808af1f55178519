import assert from 'node:assert/strict';
import { newRequest, pemOf, type Request } from '../simulator/adr/request.ts';
import type { ClientIdentity, Identity } from '../simulator/ca.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { askDps, enterDps, hubUsername, knockHub, pollTopic, putTopic } from './raw.ts';

export const DPS_VERSION = '2025-07-01-preview';
export const HUB_VERSION = '2025-08-01-preview';
export const DAY = 86_400_000;

interface State {
  readonly status?: string;
  readonly assignedHub?: string;
  readonly deviceId?: string;
  readonly errorCode?: number;
  readonly issuedCertificateChain?: readonly string[] | null;
  readonly connectionProfile?: string;
}

/** How a registration ended: the status of the last topic, and its body. */
export interface Registered {
  readonly status: number;
  readonly body: { readonly errorCode?: number; readonly message?: string; readonly registrationState?: State };
}

/** Registers once, polls once. */
export async function register(
  { endpoints }: Simulator,
  id: string,
  identity: Identity,
  body: object = {},
  version = DPS_VERSION,
): Promise<Registered> {
  const client = await enterDps(endpoints, id, identity, version);
  try {
    let answer = await askDps(client, putTopic(), JSON.stringify({ registrationId: id, ...body }));
    assert.notEqual(answer, 'closed');
    if (answer !== 'closed' && answer.topic.startsWith('202')) {
      answer = await askDps(client, pollTopic(JSON.parse(answer.body).operationId), '');
    }
    if (answer === 'closed') throw new Error('closed');
    return { status: Number(answer.topic.slice(0, 3)), body: JSON.parse(answer.body) };
  } finally {
    client.end(true);
  }
}

/** The leaf that a registration brought, with the key that it was asked for. */
export async function certified(
  simulator: Simulator,
  id: string,
  onboarding: Identity,
  request?: Request,
): Promise<Identity> {
  const { key, csr } = request ?? (await newRequest(id));
  const { body } = await register(simulator, id, onboarding, { csr });
  const chain = body.registrationState?.issuedCertificateChain;
  assert.ok(chain, JSON.stringify(body));
  return { key, cert: pemOf(chain) };
}

/** A group with a policy, and a device of it that has registered: its onboarding leaf and the one that was issued. */
export async function provisioned(
  simulator: Simulator,
  id: string,
): Promise<{ readonly onboarding: ClientIdentity; readonly leaf: Identity }> {
  const onboarding = await simulator.clientIdentity(id);
  return { onboarding, leaf: await certified(simulator, id, onboarding) };
}

/** A far side with the policy "monthly", and the group "gateways" that names it. */
export async function prepare(simulator: Simulator): Promise<void> {
  await simulator.createPolicy('monthly', 30 * DAY);
  const primary = simulator.endpoints.issuerPem;
  await simulator.enrollGroup({ groupId: 'gateways', primary, certificatePolicy: { policy: 'monthly' } });
}

/** CONNACK code, or "closed". */
export async function admits(simulator: Simulator, id: string, identity: Identity): Promise<number | 'closed'> {
  const { hub1 } = simulator.endpoints;
  const username = hubUsername(hub1, id, HUB_VERSION);
  const { connack, client } = await knockHub(simulator.endpoints, hub1, id, identity, { username });
  client.end(true);
  return connack ?? 'closed';
}
