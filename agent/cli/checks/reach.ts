import { type Dialled, Unreached } from '../proof/dial.ts';
import { BY_CLOCK } from '../proof/server-time.ts';
import type { Site } from '../proof/site.ts';
import { type Finding, failed, ok, skipped } from './check.ts';
import { isClockWrong } from './clock.ts';

/** A server, and the settings that lead to it. */
interface Server {
  readonly side: 'DPS' | 'HUB' | 'EST';
  /** `host` or `host:port` */
  readonly host: string;
  /** The setting that names the host. */
  readonly named: string;
  /** PEM file with the CAs that may vouch for it, and the name of its setting. */
  readonly caFile: string;
  readonly caSetting: string;
}

/** @param answered is told where the port answered, and still there is no TLS */
export async function reach(site: Site, server: Server, answered?: () => void): Promise<Finding> {
  const { side, host, caSetting, caFile } = server;
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
    if (error.isAnswer) answered?.();
    return failed(`NL-${side}-UNREACHABLE`, error.message, adviceFor(error, server.named));
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

/** What update-ca-certificates(8) writes anew: an addition there is lost. */
const OF_SYSTEM = /^\/etc\/ssl\/certs\//;

export function distrusted(
  { issuer, distrust = '' }: Dialled,
  { side, host, caFile }: Pick<Server, 'side' | 'host' | 'caFile'>,
): Finding {
  const untrusted = (message: string, advice: string) => failed(`NL-${side}-UNTRUSTED`, message, advice);
  if (BY_CLOCK.includes(distrust)) {
    const message = `The certificate of ${host} is not valid at this time (${distrust}).`;
    const advice = 'Check the clock of this gateway with `timedatectl`; else call the operator of that server.';
    return untrusted(message, advice);
  }
  if (distrust === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const message = `The certificate at ${host}, issued by "${issuer}", is for another name.`;
    const advice = 'Something else answers there: look for a proxy, a captive portal, or a wrong DNS entry.';
    return untrusted(message, advice);
  }
  const message = `${host} shows a certificate issued by "${issuer}", which ${caFile} does not vouch for (${distrust}).`;
  const setting = side === 'EST' ? 'issuer.est.ca_file' : 'trust.ca_file';
  const cure = OF_SYSTEM.test(caFile) ? `name a file of your own with its CA in ${setting}` : `add it to ${caFile}`;
  const advice = `If that issuer is right, ${cure}; if not, a proxy or a captive portal answers in its place: talk to the operator of the network.`;
  return untrusted(message, advice);
}
