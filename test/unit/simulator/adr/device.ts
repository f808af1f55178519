import assert from 'node:assert/strict';
import { once } from 'node:events';
import type mqtt from 'mqtt';
import { newRequest, pemOf, type Request } from '../../../simulator/adr/request.ts';
import type { ClientIdentity, Identity } from '../../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';
import { askDps, enterDps, hubUsername, type Knock, knockHub, pollTopic, putTopic } from '../raw.ts';

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

/** A far side where gw-1 has a leaf, and a request for the next one. */
export async function serving() {
  const simulator = await startSimulator();
  await prepare(simulator);
  const { leaf } = await provisioned(simulator, 'gw-1');
  return {
    simulator,
    request: await newRequest('gw-1'),
    /** A session of gw-1 that hears the answers. */
    async enter(): Promise<Session> {
      const session = await Session.open(simulator, 'gw-1', leaf);
      assert.equal(await session.subscribe(), 1);
      return session;
    },
    leaf,
  };
}

/** A far side with the policy "monthly", and the group "gateways" that names it. */
export async function prepare(simulator: Simulator): Promise<void> {
  await simulator.createPolicy('monthly', 30 * DAY);
  const primary = simulator.endpoints.issuerPem;
  await simulator.enrollGroup({ groupId: 'gateways', primary, certificatePolicy: { policy: 'monthly' } });
}

export function knockAt(
  { endpoints }: Simulator,
  id: string,
  identity: Identity,
  version = HUB_VERSION,
  options: mqtt.IClientOptions = {},
): Promise<Knock> {
  const username = hubUsername(endpoints.hub1, id, version);
  return knockHub(endpoints, endpoints.hub1, id, identity, { username, ...options });
}

/** CONNACK code, or "closed". */
export async function admits(simulator: Simulator, id: string, identity: Identity): Promise<number | 'closed'> {
  const { connack, client } = await knockAt(simulator, id, identity);
  client.end(true);
  return connack ?? 'closed';
}

/** What a hub says about a request. */
export interface Said {
  readonly topic: string;
  readonly status: number;
  readonly body: {
    readonly errorCode?: number;
    readonly message?: string;
    readonly retryAfter?: number;
    readonly correlationId?: string;
    readonly operationExpires?: string;
    readonly certificates?: readonly string[];
    readonly info?: Readonly<Record<string, string>> | null;
  };
}

/** A session with a hub that can renew. */
export class Session {
  readonly client: mqtt.MqttClient;
  readonly closed: Promise<unknown>;
  readonly #said: Said[] = [];
  #awaited: (() => void) | undefined;

  private constructor(client: mqtt.MqttClient) {
    this.client = client;
    this.closed = once(client, 'close');
    client.on('message', (topic, payload) => {
      const body = payload.length === 0 ? {} : JSON.parse(payload.toString());
      this.#said.push({ topic, status: Number(topic.split('/')[3]), body });
      this.#awaited?.();
    });
  }

  static async open(
    simulator: Simulator,
    id: string,
    identity: Identity,
    options: mqtt.IClientOptions = {},
    version = HUB_VERSION,
  ): Promise<Session> {
    const { connack, client } = await knockAt(simulator, id, identity, version, options);
    assert.equal(connack, 0);
    return new Session(client);
  }

  /** The QoS that was granted, or 128. */
  async subscribe(qos: 0 | 1 = 1): Promise<number | undefined> {
    const granted = await new Promise<mqtt.ISubscriptionGrant[] | undefined>((resolve) =>
      this.client.subscribe('$iothub/credentials/res/#', { qos }, (_error, grants) => resolve(grants)),
    );
    return granted?.[0]?.qos;
  }

  /** Sends what is no object as it is. */
  ask(rid: string, body: unknown): void {
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    this.client.publish(`$iothub/credentials/POST/issueCertificate/?$rid=${rid}`, payload, { qos: 1 });
  }

  async next(): Promise<Said> {
    while (this.#said.length === 0) {
      await new Promise<void>((resolve) => {
        this.#awaited = resolve;
      });
    }
    const [said] = this.#said.splice(0, 1);
    if (said === undefined) throw new Error('nothing was said');
    return said;
  }

  get silent(): boolean {
    return this.#said.length === 0;
  }

  async leave(): Promise<void> {
    this.client.end(true);
    await this.closed;
  }
}
