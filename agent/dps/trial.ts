import type { TlsConnector } from '../../hsm/connector.ts';
import { Tap } from '../mqtt/tap.ts';
import type { Reach } from '../mqtt/way.ts';
import { dpsLinkFault } from './refusal.ts';

export interface ScopeTrial {
  /** `host` or `host:port` */
  readonly endpoint: string;
  readonly registrationId: string;
  readonly connector: TlsConnector;
  readonly reach: Reach;
}

/** From dialling to CONNACK; a person or a script waits. */
const CONNECT_MS = 15_000;
const ACCEPTED = 0;
/** An ID scope that does not exist (azure-iot-sdk-python issue 670), or an outage. */
const UNAVAILABLE = 3;

/**
 * Whether DPS refuses an ID scope while it accepts another one, so that it is no outage. Nothing is registered: this is only
 * CONNECT, which is answered before DPS looks for an enrollment. The look-up of a registration over HTTPS cannot tell: its 404
 * means "the Device Provisioning Service instance, or a resource" (articles/iot-dps/how-to-troubleshoot-dps.md), and a gateway
 * that moves has no registration there yet.
 * @throws Fault NL-DPS-…, NL-NETWORK-… where DPS gives no answer; errors of the token
 */
export async function refusesScope(trial: ScopeTrial, scope: string, other: string): Promise<boolean> {
  if ((await answerTo(trial, scope)) !== UNAVAILABLE) return false;
  return (await answerTo(trial, other)) === ACCEPTED;
}

/** The api-version of the SDK. */
const CLASSIC = '2019-03-31';

/** @returns the code of CONNACK @throws as above */
export function answerTo(
  { endpoint, registrationId, connector, reach }: ScopeTrial,
  scope: string,
  version = CLASSIC,
): Promise<number> {
  return reach(endpoint, new AbortController().signal, async (way) => {
    const tap = new Tap({ host: endpoint, way, connector, connectMs: CONNECT_MS, admit: () => false });
    const client = tap.connect('', {
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: registrationId,
      username: `${scope}/registrations/${registrationId}/api-version=${version}`,
    });
    client.once('packetreceive', () => tap.end());
    await tap.closed;
    const { connack } = tap.attempt;
    if (connack === undefined) throw dpsLinkFault(tap.attempt);
    return connack;
  });
}
