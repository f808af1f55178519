import type { HubSession } from '../mqtt/hub-session.ts';
import { Turns } from '../time/turns.ts';
import type { FilterKind } from './topics.ts';

/**
 * The subscriptions at the hub that only programs need; newleaf itself has those of methods and twin answers. A hub keeps them
 * over sessions with CleanSession 0, and grants five in all (articles/iot/iot-mqtt-connect-to-iot-hub.md), so one that no
 * program wants is ended.
 */
export class Subscriptions {
  readonly #isWanted: (kind: FilterKind) => boolean;
  readonly #followed: () => void;
  readonly #turns = new Turns();
  #session: HubSession | undefined;
  #has: { readonly messages?: boolean; readonly desired?: boolean } = {};

  /** @param followed called when the hub has begun to tell changes of the desired properties */
  constructor(isWanted: (kind: FilterKind) => boolean, followed: () => void) {
    this.#isWanted = isWanted;
    this.#followed = followed;
  }

  opened(session: HubSession): void {
    this.#session = session;
    this.#has = {};
    this.follow();
  }

  /** Called when a program may have begun or ceased to want something. */
  follow(): void {
    void this.#turns.take(() => this.#follow());
  }

  async #follow(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    const [messages, desired] = [this.#isWanted('messages'), this.#isWanted('desired')];
    // Where it fails, the session is over or the hub refuses it: the next session tries again.
    const set = (filter: string, qos: 0 | 1, isWanted: boolean) =>
      (isWanted ? session.subscribe(filter, qos) : session.unsubscribe(filter)).catch(() => {});
    if (this.#has.desired !== desired) {
      await set('$iothub/twin/PATCH/properties/desired/#', 0, desired);
      if (desired && this.#session === session) this.#followed();
    }
    const devicebound = `devices/${session.deviceId}/messages/devicebound/#`;
    if (this.#has.messages !== messages) await set(devicebound, 1, messages);
    if (this.#session === session) this.#has = { messages, desired };
  }
}
