import { assignedHub, type Check, type Finding, failed, NO_LEAF, ok } from './check.ts';
import type { Site } from './site.ts';

const NEEDS = ['tls-handshake', 'leaf-validity'];

export const dpsTls: Check = {
  id: 'dps-tls',
  describes: 'DPS takes the current leaf in a TLS handshake.',
  of: 'x509',
  needs: ['dps-reach', ...NEEDS],
  async look(site) {
    return shaken(site, (await site.config()).config.dps.endpoint, 'DPS');
  },
};

export const hubTls: Check = {
  id: 'hub-tls',
  describes: 'The assigned hub takes the current leaf in a TLS handshake.',
  of: 'x509',
  needs: ['hub-reach', ...NEEDS],
  async look(site) {
    const hub = await assignedHub(site);
    return hub === undefined ? NO_LEAF : shaken(site, hub, 'HUB');
  },
};

/**
 * No MQTT follows: a CONNECT would take over the daemon's session with the hub. So this says nothing about the identity, which
 * DPS and hub judge at CONNECT or later; it finds a proxy that ends TLS, and an expired leaf.
 */
async function shaken(site: Site, host: string, side: 'DPS' | 'HUB'): Promise<Finding> {
  const { verdict, protocol, reason } = await site.shake(host);
  if (verdict === 'taken') return ok(`${host} takes the leaf in a handshake (${protocol}).`);
  if (verdict === 'silent') return ok(`${host} makes no objection to the leaf in a handshake (${protocol}).`);
  const code = side === 'DPS' ? 'NL-DPS-UNREACHABLE' : 'NL-HUB-CLOSED';
  const advice =
    'The server was fine before it saw the leaf. Look at chain and leaf-validity; if both are ok, a firewall or proxy may not let client certificates through: ask its operator.';
  return failed(code, `${host} ends the TLS handshake when it is shown the leaf: ${reason}`, advice);
}
