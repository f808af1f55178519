import provisioning from 'azure-iot-provisioning-device';
import type { TlsConnector } from '../../hsm/connector.ts';
import { Fault } from '../failure/failure.ts';
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

/** DPS, asked by `begin` for one registration at each call. */
export function dpsBy(
  terms: DpsTerms,
  begin: (connector: TlsConnector, way: Way) => Registering<Assignment>,
  reach?: Reach,
): Dps {
  return { register: (leaf, abort) => registration(terms, terms.connectorFor(leaf), begin, abort, reach) };
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
