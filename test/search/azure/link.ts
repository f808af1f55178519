import { Fault } from '../../../agent/failure/failure.ts';
import type { HubRenewal } from '../../../agent/issuer/azure/renewal.ts';
import type { HubMessage, HubSession, SessionEnd } from '../../../agent/mqtt/hub-session.ts';
import type { World } from '../world.ts';

const RTT_MS = 200;

/** The session with a hub, as far as the renewal of a leaf uses it. */
export class Link implements HubSession {
  readonly deviceId = 'gw-1';
  readonly closed: Promise<SessionEnd>;
  isSubscribed = false;
  isOver = false;
  readonly #world: World;
  readonly #renewal: HubRenewal;
  #end: (how: SessionEnd) => void = () => {};

  constructor(world: World, renewal: HubRenewal) {
    this.#world = world;
    this.#renewal = renewal;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  end(): void {
    this.isOver = true;
    this.#end('lost');
  }

  async publish({ topic, payload }: HubMessage): Promise<void> {
    await this.#turn();
    const request = new URLSearchParams(topic.split('?')[1]).get('$rid') ?? '';
    void this.#world.azure?.desk.request(this, request, JSON.parse(Buffer.from(payload).toString()));
  }

  async subscribe(): Promise<void> {
    const { renewal } = this.#world.faults;
    if (renewal === 'no SUBACK') await Promise.race([this.closed, new Promise(() => {})]);
    await this.#turn();
    if (renewal === 'subscription refused') throw new Error('The server refuses a subscription.');
    this.isSubscribed = true;
    this.#world.azure?.desk.deliver(this);
  }

  async unsubscribe(): Promise<void> {}
  giveUp(): void {}

  async #turn(): Promise<void> {
    await this.#world.options.clock.sleep(RTT_MS);
    if (this.isOver) throw new Fault('NL-HUB-LOST');
  }

  /** An answer arrives, where somebody listens. */
  arrive(status: number, request: string, body: object): void {
    if (this.isOver || !this.isSubscribed) return;
    const payload = Buffer.from(JSON.stringify(body));
    void this.#renewal.arrived(this, { topic: `$iothub/credentials/res/${status}/?$rid=${request}`, payload, qos: 1 });
  }
}
