import type { HubRenewal } from '../../../../agent/issuer/azure/renewal.ts';
import type { HubMessage, HubSession, SessionEnd } from '../../../../agent/mqtt/hub-session.ts';

/** A session whose hub answers as a test says. */
export class PlayedSession implements HubSession {
  readonly deviceId = 'gw-0001';
  readonly closed: Promise<SessionEnd>;
  /** Bodies of the requests for a certificate, with their IDs. */
  readonly asked: { readonly id: string; readonly body: unknown }[] = [];
  readonly filters: string[] = [];
  /** What follows from a request; `arrive` answers it. */
  answers: (id: string, times: number) => void = () => {};
  refusesFilter = false;
  end: (how: SessionEnd) => void = () => {};
  readonly #renewal: HubRenewal;

  constructor(renewal: HubRenewal) {
    this.#renewal = renewal;
    this.closed = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  async publish({ topic, payload }: HubMessage): Promise<void> {
    const id = topic.split('=')[1] ?? '';
    this.asked.push({ id, body: JSON.parse(Buffer.from(payload).toString()) });
    setImmediate(() => this.answers(id, this.asked.length));
  }

  async subscribe(filter: string): Promise<void> {
    this.filters.push(filter);
    if (this.refusesFilter) throw new Error('The server refuses a subscription.');
  }

  async unsubscribe(): Promise<void> {}
  giveUp(): void {}

  arrive(status: number, id: string, body: unknown = {}): void {
    const payload = Buffer.from(JSON.stringify(body));
    void this.#renewal.arrived(this, { topic: `$iothub/credentials/res/${status}/?$rid=${id}`, payload, qos: 1 });
  }
}
