import type device from 'azure-iot-device';
import { openHub, register } from '../../clients/device.ts';
import type { Simulator } from '../../simulator/simulator.ts';

/**
 * How it takes the method: well, registers and comes back · kept, comes back on the old leaf · mute, takes it and never
 * comes back · barred: parked, as its enrollment is disabled · parked, comes back on the old leaf, and DPS refuses the new one · idle, takes it and does not begin · slow, is at it for long · busy, answers 409 · late, takes it when it is
 * released.
 */
export type Behaviour = 'well' | 'kept' | 'mute' | 'parked' | 'idle' | 'slow' | 'busy' | 'late' | 'barred';

interface Payload {
  readonly action: string;
  readonly id: string;
}

/** What the twin says of those that stay where they are. */
const PHASES: Partial<Record<Behaviour, string>> = { idle: 'serving', slow: 'requesting-leaf' };

/** The leaf that waits on those that are parked. */
export const NEXT = 'CD'.repeat(32);

const ASKED = 202;
const BUSY = 409;

/** A gateway as the operator sees it, by the official device SDKs and a key in a file. */
export class SdkGateway {
  readonly id: string;
  readonly #simulator: Simulator;
  readonly #behaviour: Behaviour;
  /** The request that a busy one is at. */
  readonly #at: string;
  #client: device.Client | undefined;
  #work: Promise<void> = Promise.resolve();
  release = (): void => {};

  constructor(simulator: Simulator, id: string, behaviour: Behaviour = 'well', at = 'another') {
    this.#simulator = simulator;
    this.id = id;
    this.#behaviour = behaviour;
    this.#at = at;
  }

  /** Registers a new leaf, and connects with it; ready for methods when it comes back. */
  async connect(): Promise<device.Client> {
    const { endpoints, log } = this.#simulator;
    const leaf = await this.#simulator.clientIdentity(this.id);
    const { assignedHub } = await register(endpoints, this.id, leaf);
    const mark = log.entries.length;
    const client = await openHub(endpoints, assignedHub, this.id, leaf);
    this.#client = client;
    client.onDeviceMethod('reprovision', ({ payload }, response) => {
      const { id, action }: Payload = payload;
      if (this.#behaviour === 'busy') {
        void response.send(BUSY, { id: this.#at, code: 'NL-BUSY' });
        return;
      }
      const phase = PHASES[this.#behaviour];
      if (phase !== undefined) {
        this.#work = this.#report({ phase }).then(() => response.send(ASKED, { id, phase }));
        return;
      }
      const released =
        this.#behaviour === 'late'
          ? new Promise<void>((resolve) => {
              this.release = resolve;
            })
          : Promise.resolve();
      this.#work = released.then(() => {
        const called = log.entries.length;
        void response.send(ASKED, { id, phase: 'registering' });
        return this.#reprovision(id, action, called);
      });
    });
    await log.waitFor({ event: 'subscribed', clientId: this.id, reason: '$iothub/methods/POST/#' }, 60_000, mark);
    return client;
  }

  /** The answer goes out before the session is given up: it would be lost otherwise. */
  async #reprovision(id: string, action: string, called: number): Promise<void> {
    await this.#simulator.log.waitFor({ event: 'method-answer', clientId: this.id }, 60_000, called);
    await this.#client?.close();
    if (this.#behaviour === 'mute') return;
    const outcome = this.#behaviour === 'kept' ? { outcome: 'kept', code: 'NL-DPS-401002' } : { outcome: 'done' };
    await this.connect();
    const code = { parked: 'NL-DPS-401002', barred: 'NL-DPS-DISABLED' }[String(this.#behaviour)];
    const next = { thumbprint: NEXT, standing: 'parked', code };
    await this.#report({ last: { id, action, ...outcome }, ...(code !== undefined && { next }) });
  }

  async #report(newleaf: object): Promise<void> {
    const twin = await this.#client?.getTwin();
    await new Promise<void>((resolve, reject) => {
      twin?.properties.reported.update({ newleaf }, (error: Error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#client?.close();
  }
}
