import { join } from 'node:path';
import { type Failure, Fault } from '../failure/failure.ts';
import type { DoorOptions } from './door.ts';
import type { ClientRules } from './ports.ts';
import type { Program } from './program.ts';

export interface ListenersOptions extends DoorOptions {
  /** Of the uplink, in the state directory. */
  readonly directory: string;
  readonly rules: ClientRules;
}

/** How a program connects. */
export type Address =
  | { readonly socket: string }
  | {
      /** `address:port`, TLS. */
      readonly tcp: string;
      /** Base64. */
      readonly key: string;
      /** A file with the CA of the listener, PEM. */
      readonly ca: string;
    };

/** The sockets of the programs: one each, and one port for those with a key. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #troubles = new Map<string, Failure>();

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** Why the program cannot connect, if so. */
  trouble(name: string): { readonly trouble: Failure } | undefined {
    const trouble = this.#troubles.get(name);
    return trouble && { trouble };
  }

  address({ name, key }: Program): Address {
    const { sockets, tcp } = this.#options.settings;
    if (key === undefined) return { socket: join(sockets, name, 'mqtt.sock') };
    return { tcp, key, ca: join(sockets, 'ca.pem') };
  }

  /** A failure is kept as the trouble of the program. */
  async open(_program: Program): Promise<void> {
    throw new Fault('NL-INTERNAL');
  }

  async end(_name: string): Promise<void> {}

  async close(): Promise<void> {}
}
