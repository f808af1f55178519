import { Daemon } from '../../agent/daemon/daemon.ts';
import { failure } from '../../agent/failure/failure.ts';
import { type Entry, entryOf } from '../../agent/roll/core/entry.ts';
import { blank } from '../../agent/roll/core/memory.ts';
import type { KeyRef } from '../../agent/roll/leaf.ts';
import type { HubSignal, Ports } from '../../agent/roll/ports.ts';
import type { Terms } from '../../agent/roll/terms.ts';
import { Queue } from '../../agent/time/queue.ts';
import { quietLog, quietNotify } from '../quiet.ts';
import type { Far } from './far.ts';

const DAY = 24 * 3_600_000;

/** What a process that is gone still asks for is never answered. */
const NEVER = new Promise<never>(() => {});

/** What a story does to one gateway, and what it does to its far side by itself. */
export interface Member {
  readonly name: string;
  start(): void;
  /** The power fails. */
  cut(): void;
  /** Called by a job. */
  roll(delayMs: number): Promise<void>;
}

/** One gateway of a fleet: the real daemon, with its ladders and its journal, on ports that ask the far side of the model. */
export class Gateway implements Member {
  readonly name: string;
  readonly #far: Far;
  readonly #draw: () => number;
  readonly #terms: Terms;
  #entry: Entry;
  #daemon: Daemon | undefined;
  #abort = new AbortController();

  /** It serves already. @param draw the dice of the fleet */
  constructor(name: string, far: Far, draw: () => number) {
    this.name = name;
    this.#far = far;
    this.#draw = draw;
    const { clock } = far.options;
    this.#terms = {
      attestation: 'x509',
      trust: 'leaf',
      automatic: true,
      keepKey: false,
      renewAt: { share: 0.66 },
      builtAt: clock.now() - 365 * DAY,
      requestsPerHour: 20,
      burst: 10,
      minRollIntervalMs: 30_000,
      registered: `scope/${name}@dps`,
    };
    const current = far.issue(name, { slot: 'a', id: `${name}-0` });
    far.write('hub1', name, current);
    const assignment = { hub: 'hub1', deviceId: name };
    const trusts = [{ thumbprint: current.thumbprint, keyId: current.key.id }];
    const served = { current, at: { current: assignment }, trusts, registered: this.#terms.registered };
    this.#entry = entryOf({ ...blank, ...served, lastSeen: clock.now() });
  }

  start(): void {
    const abort = new AbortController();
    const { clock } = this.#far.options;
    this.#abort = abort;
    this.#daemon = new Daemon({
      ports: this.#ports(abort.signal),
      journal: { read: async () => this.#entry, write: (entry) => this.#write(entry, abort.signal) },
      clock,
      draw: this.#draw,
      log: quietLog,
      notify: quietNotify,
      terms: this.#terms,
      version: '0',
      registrationId: this.name,
      labelPrefix: 'newleaf',
      given: async () => undefined,
      publish: async () => {},
    });
    void this.#daemon.run(abort.signal);
  }

  cut(): void {
    this.#abort.abort();
    this.#far.drop(this.name);
  }

  async roll(delayMs: number): Promise<void> {
    await this.#daemon?.answer({ kind: 'roll', from: 'method', delayMs });
  }

  #write(entry: Entry, ended: AbortSignal): Promise<void> {
    if (ended.aborted) return NEVER;
    this.#entry = entry;
    return Promise.resolve();
  }

  #ports(ended: AbortSignal): Ports {
    const far = this.#far;
    const { name } = this;
    const alive = async <T>(asked: Promise<T>): Promise<T> => {
      const answer = await asked.catch((error: unknown) => (ended.aborted ? NEVER : Promise.reject(error)));
      return ended.aborted ? NEVER : answer;
    };
    const signals = new Queue<HubSignal>();
    const met = failure('NL-HUB-LOST');
    return {
      keys: {
        generate: async (slot, id) => ({ slot, id }),
        csr: async (key) => JSON.stringify(key),
        destroy: async () => {},
      },
      issuer: { issue: (csr) => alive(far.sign().then(() => csr)) },
      judge: async (csr) => far.issue(name, JSON.parse(String(csr)) as KeyRef),
      opensAnew: async () => undefined,
      dps: { register: (leaf, abort) => alive(far.register(name, leaf, abort)) },
      hub: {
        connect: (leaf, { hub }, abort) => {
          const { thumbprint } = leaf;
          const lost = (heldMs: number) => signals.push({ kind: 'lost', thumbprint, heldMs, failure: met });
          return alive(far.connect(name, leaf, hub, lost, AbortSignal.any([abort, ended])));
        },
        silentMs: () => undefined,
        report: async () => {},
        close: async () => {},
        signals,
      },
    };
  }
}
