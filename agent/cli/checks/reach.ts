import { type Check, type Finding, failed, ok, skipped } from './check.ts';
import { type Dialled, Unreached } from './dial.ts';
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
  needs: ['state-file'],
  async look(site) {
    const entry = await site.entry();
    const hub = entry === 'absent' ? undefined : entry.assignment?.hub;
    return hub === undefined ? skipped('DPS has not assigned a hub yet.') : reach(site, hub, 'HUB', 'the hub');
  },
};

async function reach(site: Site, host: string, side: 'DPS' | 'HUB', named: string): Promise<Finding> {
  try {
    const dialled = await site.dial(host);
    const { address, port, issuer, distrust } = dialled;
    if (distrust === undefined) return ok(`${host} answers at ${address} port ${port}, trusted (issued by ${issuer}).`);
    return distrusted(dialled, host, `NL-${side}-UNTRUSTED`, (await site.config()).config.trust.ca_file);
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    const advice = {
      dns: `Check the name servers (resolvectl status), and ${named}.`,
      tcp: `Check network and firewall: TCP port ${error.port} must be open from here.`,
      tls: 'Is that the right host and port? A firewall may also cut TLS off.',
    }[error.stage];
    return failed(`NL-${side}-UNREACHABLE`, error.message, advice);
  }
}

/** OpenSSL's names for a certificate that is not valid now. */
const BY_CLOCK = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];

function distrusted(
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
