import provisioning from 'azure-iot-provisioning-device';
import type { TlsConnector } from '../../hsm/connector.ts';
import { type Code, Fault } from '../failure/failure.ts';
import { type Reach, straightly, type Way } from '../mqtt/way.ts';
import type { Assignment, Leaf } from '../roll/leaf.ts';
import type { Dps } from '../roll/ports.ts';
import { within } from '../time/within.ts';

/** What a registration needs, by a leaf or by a TPM. */
export interface DpsTerms {
  /** `host` or `host:port` */
  readonly endpoint: string;
  readonly idScope: string;
  readonly registrationId: string;
  /** Handed to a custom allocation function. */
  readonly payload?: object;
  readonly connectorFor: (leaf: Leaf) => Promise<TlsConnector>;
  /** Longest registration, polling included, in milliseconds. */
  readonly deadlineMs?: number;
}

export type Registering<T> = { readonly outcome: Promise<T>; readonly end: () => void };

export const DEADLINE_MS = 120_000;

/** DPS found no enrollment for the leaf, or one that is disabled: on another way up it may find another. */
const UNENROLLED: ReadonlySet<Code> = new Set(['NL-DPS-401002', 'NL-DPS-404201', 'NL-DPS-DISABLED']);

/**
 * DPS, asked by `begin` for one registration at each call; where it refuses a leaf whose CAs have more than one certificate, for
 * one with each of its chains. The chain that was accepted goes first the next time.
 */
export function dpsBy(
  terms: DpsTerms,
  begin: (connector: TlsConnector, way: Way) => Registering<Assignment>,
  reach?: Reach,
): Dps {
  let accepted: string | undefined;
  return {
    async register({ chain: first, otherChains = [], ...leaf }, abort) {
      const chains = [first, ...otherChains].toSorted(
        (one, other) => Number(other === accepted) - Number(one === accepted),
      );
      let refusal: unknown;
      for (const chain of chains) {
        try {
          const assignment = await registration(terms, terms.connectorFor({ ...leaf, chain }), begin, abort, reach);
          accepted = chain;
          return assignment;
        } catch (error) {
          if (!(error instanceof Fault) || !UNENROLLED.has(error.failure.code)) throw error;
          refusal ??= error;
        }
      }
      throw refusal;
    },
  };
}

/** One registration, with the identity of this connector. */
export async function registration<T>(
  { endpoint, deadlineMs = DEADLINE_MS }: Pick<DpsTerms, 'endpoint' | 'deadlineMs'>,
  connecting: Promise<TlsConnector>,
  begin: (connector: TlsConnector, way: Way) => Registering<T>,
  abort: AbortSignal,
  reach: Reach = straightly,
): Promise<T> {
  const late = () => new Fault('NL-DPS-TIMEOUT', { cause: `${endpoint}, ${deadlineMs} ms` });
  const connector = await within(connecting, { abort });
  return reach(endpoint, abort, async (way) => {
    const { outcome, end } = begin(connector, way);
    try {
      return await within(outcome, { abort, after: { ms: deadlineMs, late } });
    } finally {
      end();
    }
  });
}

type Create = Parameters<typeof provisioning.ProvisioningDeviceClient.create>;

export function clientFor(
  { endpoint, idScope, payload }: Omit<DpsTerms, 'connectorFor'>,
  transport: Create[2],
  security: Create[3],
) {
  const client = provisioning.ProvisioningDeviceClient.create(endpoint, idScope, transport, security);
  if (payload !== undefined) client.setProvisioningPayload(payload);
  return client;
}

/**
 * azure-iot-provisioning-device 1.9.1 has no way to stop its timers: one polls, and would dial again; the other waits
 * for 30 s for an answer, and goes on when the connection has ended before the SUBACK (polling_state_machine.js).
 */
export function stopTimers(client: object): void {
  const { _pollingStateMachine: machine } = client as { _pollingStateMachine: Timers };
  clearTimeout(machine._pollingTimer);
  clearTimeout(machine._queryTimer);
}

type Timers = Readonly<Record<'_pollingTimer' | '_queryTimer', NodeJS.Timeout | undefined>>;
