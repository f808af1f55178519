import { Fault } from '../../roll/failure.ts';
import { assignedHub } from './assigned-hub.ts';
import { type Check, type Finding, failed, ok, skipped } from './check.ts';
import { isClockWrong } from './clock.ts';
import { type Dialled, Unreached } from './dial.ts';
import { BY_CLOCK } from './server-time.ts';
import type { Site } from './site.ts';

export const dpsReach: Check = {
  id: 'dps-reach',
  describes: 'DPS can be reached, and shows a certificate that is trusted.',
  needs: ['configuration'],
  async look(site) {
    return reach(site, (await site.config()).config.dps.endpoint, 'DPS', 'dps.endpoint');
  },
};

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
    return hub === undefined ? skipped('DPS has not assigned a hub yet.') : reach(site, hub, 'HUB', 'the hub');
  },
};

async function reach(site: Site, host: string, side: 'DPS' | 'HUB', named: string): Promise<Finding> {
  try {
    const dialled = await site.dial(host);
    const { address, port, issuer, distrust } = dialled;
    if (distrust === undefined) return ok(`${host} answers at ${address} port ${port}, trusted (issued by ${issuer}).`);
    if (BY_CLOCK.includes(distrust) && (await isClockWrong(site))) {
      return skipped(`${host} answers at ${address} port ${port}; who it is cannot be told while the clock is wrong.`);
    }
    return distrusted(dialled, host, `NL-${side}-UNTRUSTED`, (await site.config()).config.trust.ca_file);
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    return failed(`NL-${side}-UNREACHABLE`, error.message, adviceFor(error, named));
  }
}

/** What to do where a server is not reached. @param named the setting, or the server, that may be wrong */
export function adviceFor({ stage, port, isIpv6Only }: Unreached, named: string): string {
  if (isIpv6Only) return 'The name has IPv6 addresses only: this gateway needs an IPv6 route, or DNS64 with NAT64.';
  return {
    dns: `Check the name servers (resolvectl status, /etc/resolv.conf), and ${named}.`,
    tcp: `Check network and firewall: TCP port ${port} must be open from here.`,
    tls: 'Is that the right host and port? A firewall may also cut TLS off.',
  }[stage];
}

/** What to say of a server that is not trusted. */
export function distrusted(
  { issuer, distrust = '' }: Dialled,
  host: string,
  code: 'NL-DPS-UNTRUSTED' | 'NL-HUB-UNTRUSTED',
  caFile: string,
): Finding {
  if (BY_CLOCK.includes(distrust)) {
    const message = `The certificate of ${host} is not valid at this time (${distrust}).`;
    return failed(code, message, 'Check the clock of this gateway first, with `timedatectl`.');
  }
  if (distrust === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const message = `The certificate at ${host}, issued by ${issuer}, is for another name.`;
    return failed(
      code,
      message,
      'Something else answers there: look for a proxy, a captive portal, or a wrong DNS entry.',
    );
  }
  const message = `${host} shows a certificate issued by ${issuer}, which ${caFile} does not vouch for (${distrust}).`;
  return failed(
    code,
    message,
    `If that issuer is right, add it to ${caFile}; if not, a proxy is inspecting TLS: talk to the network's operator.`,
  );
}
