import { createHash } from 'node:crypto';
import type mqtt from 'mqtt';
import { knockHub } from '../../clients/raw.ts';
import type { ClientIdentity } from '../../simulator/ca.ts';
import type { Simulator } from '../../simulator/simulator.ts';

const METHOD = /^\$iothub\/methods\/POST\/reprovision\/\?\$rid=(.+)$/;

/** Devices of one hub, which share one key: they answer `reprovision`, and report at once that it is done. */
export class PlayedFleet {
  readonly #simulator: Simulator;
  readonly #identity: ClientIdentity;
  readonly #clients: mqtt.MqttClient[] = [];
  readonly #held: (() => void)[] = [];
  /** Devices that DPS refuses the new leaf of. */
  readonly parked = new Set<string>();
  /** Device and request, for each that was carried out. */
  readonly work = new Set<string>();
  /** Devices do not answer until they are released. */
  isHeld = false;

  private constructor(simulator: Simulator, identity: ClientIdentity) {
    this.#simulator = simulator;
    this.#identity = identity;
  }

  /** Writes the identities into the hub; none is connected yet. */
  static async open(simulator: Simulator, ids: readonly string[]): Promise<PlayedFleet> {
    const identity = await simulator.clientIdentity('all');
    for (const id of ids) await simulator.writeDevice('hub1', id, identity.thumbprint);
    return new PlayedFleet(simulator, identity);
  }

  async connect(ids: readonly string[]): Promise<void> {
    const { endpoints, log } = this.#simulator;
    const mark = log.entries.length;
    for (const id of ids) {
      const { connack, client } = await knockHub(endpoints, endpoints.hub1, id, this.#identity);
      if (connack !== 0) throw new Error(`${id} is refused: ${connack}`);
      this.#clients.push(client);
      client.on('message', (topic, body) => this.#take(client, topic, body));
      client.subscribe('$iothub/methods/POST/#');
    }
    const wanted = { event: 'subscribed', reason: '$iothub/methods/POST/#' } as const;
    for (const clientId of ids) await log.waitFor({ ...wanted, clientId }, 60_000, mark);
  }

  #take(client: mqtt.MqttClient, topic: string, body: Buffer): void {
    const [, rid] = METHOD.exec(topic) ?? [];
    if (rid === undefined) return;
    if (this.isHeld) {
      this.#held.push(() => this.#answer(client, rid, body));
      return;
    }
    this.#answer(client, rid, body);
  }

  release(): void {
    this.isHeld = false;
    for (const answer of this.#held.splice(0)) answer();
  }

  #answer(client: mqtt.MqttClient, rid: string, body: Buffer): void {
    const { id, action }: { readonly id: string; readonly action: string } = JSON.parse(body.toString());
    const deviceId = String(client.options.clientId);
    const key = `${deviceId} ${id}`;
    const isKnown = this.work.has(key);
    client.publish(`$iothub/methods/res/${isKnown ? 200 : 202}/?$rid=${rid}`, JSON.stringify({ id }));
    if (isKnown) return;
    this.work.add(key);
    const isParked = this.parked.has(deviceId);
    const code = 'NL-DPS-401002';
    const last = {
      id,
      action,
      at: new Date().toISOString(),
      ...(isParked ? { outcome: 'person', code } : { outcome: 'done' }),
    };
    const thumbprint = createHash('sha256').update(key).digest('hex').toUpperCase();
    const next = isParked ? { thumbprint, standing: 'parked', code } : null;
    const newleaf = { phase: 'serving', next, last, ...(!isParked && { leaf: { thumbprint, issuer: 'CA 2' } }) };
    client.publish(`$iothub/twin/PATCH/properties/reported/?$rid=${rid}`, JSON.stringify({ newleaf }));
  }

  close(): void {
    for (const client of this.#clients) client.end(true);
  }
}
