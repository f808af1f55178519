import { type Code, Fault } from '../../failure/failure.ts';
import { assignedHub, type Check, type Finding, failed, ok, skipped } from './check.ts';
import { isClockWrong } from './clock.ts';
import { type Dialled, Unreached } from './dial.ts';
import { BY_CLOCK } from './server-time.ts';
import type { Site } from './site.ts';

/** A server, and the settings that lead to it. */
export interface Server {
  /** `host` or `host:port` */
  readonly host: string;
  /** The setting that names the host. */
  readonly named: string;
  /** PEM file with the CAs that may vouch for it, and the name of its setting. */
  readonly caFile: string;
  readonly caSetting: string;
  readonly unreachable: Code;
  readonly untrusted: Code;
}

export const dpsReach: Check = {
  id: 'dps-reach',
  describes: 'DPS can be reached, and shows a certificate that is trusted.',
  needs: ['configuration'],
  async look(site) {
    const { dps, trust } = (await site.config()).config;
    return reach(site, {
      // With a TPM, a gateway registers over HTTPS: DPS has no attestation by a TPM over MQTT.
      host: dps.attestation === 'tpm' ? withPort(dps.endpoint, 443) : dps.endpoint,
      named: 'dps.endpoint',
      caFile: trust.ca_file,
      caSetting: 'trust.ca_file',
      unreachable: 'NL-DPS-UNREACHABLE',
      untrusted: 'NL-DPS-UNTRUSTED',
    });
  },
};

const withPort = (host: string, port: number): string => (/:\d+$/.test(host) ? host : `${host}:${port}`);

export const hubReach: Check = {
  id: 'hub-reach',
  describes: 'The assigned hub can be reached, and shows a certificate that is trusted.',
  needs: ['configuration'],
  async look(site) {
    const hub = await assignedHub(site).catch((error: unknown) => {
      if (error instanceof Fault) return 'unknown' as const;
      throw error;
    });
    if (hub === 'unknown') return skipped('needs state-file');
    if (hub === undefined) return skipped('DPS has not assigned a hub yet.');
    return reach(site, {
      host: hub,
      named: 'the hub in `newleaf status`',
      caFile: (await site.config()).config.trust.ca_file,
      caSetting: 'trust.ca_file',
      unreachable: 'NL-HUB-UNREACHABLE',
      untrusted: 'NL-HUB-UNTRUSTED',
    });
  },
};

export async function reach(site: Site, server: Server): Promise<Finding> {
  const { host, caSetting, caFile } = server;
  const ca = await site.authorities(caSetting, caFile);
  try {
    const dialled = await site.dial(host, ca);
    const { address, port, issuer, distrust } = dialled;
    const answers = `${host} answers at ${address} port ${port}`;
    if (distrust === undefined) return ok(`${answers}, trusted (issued by "${issuer}").`);
    if (BY_CLOCK.includes(distrust) && (await isClockWrong(site))) {
      return skipped(`${answers}; its identity cannot be checked while the clock is wrong.`);
    }
    return distrusted(dialled, server);
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    return failed(server.unreachable, error.message, adviceFor(error, server.named));
  }
}

/** The advice for a server that is not reached. @param named the setting, or the server, that may be wrong */
export function adviceFor({ stage, port, isIpv6Only }: Unreached, named: string): string {
  if (isIpv6Only) return 'The name has IPv6 addresses only: this gateway needs an IPv6 route, or DNS64 with NAT64.';
  return {
    dns: `Check the name servers (resolvectl status, /etc/resolv.conf), and ${named}.`,
    tcp: `Check network and firewall: TCP port ${port} must be open from here.`,
    tls: `Is that the right host and port (${named})? A firewall may also cut TLS off.`,
  }[stage];
}

export function distrusted(
  { issuer, distrust = '' }: Dialled,
  { host, caFile, untrusted }: Pick<Server, 'host' | 'caFile' | 'untrusted'>,
): Finding {
  if (BY_CLOCK.includes(distrust)) {
    const message = `The certificate of ${host} is not valid at this time (${distrust}).`;
    return failed(
      untrusted,
      message,
      'Check the clock of this gateway with `timedatectl`; else call the operator of that server.',
    );
  }
  if (distrust === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const message = `The certificate at ${host}, issued by "${issuer}", is for another name.`;
    const advice = 'Something else answers there: look for a proxy, a captive portal, or a wrong DNS entry.';
    return failed(untrusted, message, advice);
  }
  const message = `${host} shows a certificate issued by "${issuer}", which ${caFile} does not vouch for (${distrust}).`;
  const advice = `If that issuer is right, add it to ${caFile}; if not, a proxy or a captive portal answers in its place: talk to the operator of the network.`;
  return failed(untrusted, message, advice);
}
