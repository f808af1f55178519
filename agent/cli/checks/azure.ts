import { X509Certificate } from 'node:crypto';
import { issuerOf } from '../../certificate/name.ts';
import { certificatesOf } from '../../certificate/pem.ts';
import { CODES, Fault } from '../../failure/failure.ts';
import { NOT_ENROLLED } from '../../keys/onboarding.ts';
import { waysTo } from '../../network/choice.ts';
import { moment } from '../moment.ts';
import { Unreached } from '../proof/dial.ts';
import type { Site } from '../proof/site.ts';
import {
  assignedHub,
  type Check,
  currentLeaf,
  type Finding,
  failed,
  faultOf,
  NO_LEAF,
  ok,
  skipped,
  toChange,
  warning,
} from './check.ts';
import { reach } from './reach.ts';
import { lookUp } from './registration.ts';

/** Over the ways of the daemon, in their order. */
async function reachAzure(site: Site, side: 'DPS' | 'HUB', host: string, named: string): Promise<Finding> {
  const { trust, network } = (await site.config()).config;
  let isAnswered = false;
  const answered = () => {
    isAnswered = true;
  };
  const at = (place: string) =>
    reach(site, { side, host: place, named, caFile: trust.ca_file, caSetting: 'trust.ca_file' }, answered);
  const [first, second] = waysTo(host, network.transport);
  if (first === 'mqtt-ws' || HAS_PORT.test(host)) return at(withPort(host, HTTPS));
  const found = await at(host).catch(refusedByProxy);
  if (found.outcome !== 'failed' || !/UNREACHABLE|PROXY-REFUSED/.test(found.code ?? '')) return found;
  const other = await at(withPort(host, HTTPS)).catch(() => found);
  if (other.outcome !== 'ok') return found;
  if (isAnswered && second !== undefined) {
    const change = 'After such an answer newleaf does not try 443 by itself: set network.transport = "mqtt-ws"';
    return { ...found, message: `${found.message} ${other.message}`, ...toChange(change) };
  }
  const message = `Port 8883 is blocked here (${found.message}) ${other.message}`;
  if (second !== undefined) return ok(`${message} newleaf uses 443 by itself.`);
  return { ...found, message, ...toChange('Set network.transport = "auto" (or "mqtt-ws")') };
}

/** A proxy often lets port 443 through, and no other. */
function refusedByProxy(error: unknown): Finding {
  const { failure } = faultOf(error);
  if (failure.code !== 'NL-NETWORK-PROXY-REFUSED') throw error;
  return failed(failure.code, failure.message, failure);
}

/** Whether the daemon reaches it over port 443 only. */
async function isOver443(site: Site, host: string): Promise<boolean> {
  const { trust, network } = (await site.config()).config;
  const [first, second] = waysTo(host, network.transport);
  if (first === 'mqtt-ws' || second === undefined) return first === 'mqtt-ws';
  return site.dial(host, await site.authorities('trust.ca_file', trust.ca_file)).then(
    () => false,
    (error: unknown) => !(error instanceof Unreached && error.isAnswer),
  );
}

const HTTPS = 443;
const HAS_PORT = /:\d+$/;
const withPort = (host: string, port: number): string => (HAS_PORT.test(host) ? host : `${host}:${port}`);

/**
 * No MQTT follows: a CONNECT would take over the daemon's session with the hub. So this says nothing about the identity, which
 * DPS and hub judge at CONNECT or later; it finds a proxy that ends TLS, and an expired leaf.
 */
async function shaken(
  site: Site,
  host: string,
  code: 'NL-DPS-UNREACHABLE' | 'NL-HUB-CLOSED',
  as: Shown = 'leaf',
): Promise<Finding> {
  const what = as === 'leaf' ? 'the leaf' : 'the onboarding certificate';
  if (await isOver443(site, host)) {
    return ok(`Not tried: over port 443, ${host} may ask for ${what} after the handshake.`);
  }
  const { verdict, protocol, reason } = await site.shake(host, as);
  if (verdict === 'taken') return ok(`${host} takes ${what} in a handshake (${protocol}).`);
  if (verdict === 'silent') return ok(`${host} makes no objection to ${what} in a handshake (${protocol}).`);
  const advice =
    'The server was fine before it saw the leaf. Look at chain and leaf-validity; if both are ok, a firewall or proxy may not let client certificates through: ask its operator.';
  return failed(code, `${host} ends the TLS handshake when it is shown ${what}: ${reason}`, advice);
}

type Shown = 'leaf' | 'bootstrap';

/** Where Azure issues the leaves, DPS never sees one. */
async function shownToDps(site: Site): Promise<Shown> {
  const { config } = await site.config();
  return 'issuer' in config && config.issuer.kind === 'azure' ? 'bootstrap' : 'leaf';
}

/**
 * Whether DPS would accept the leaf again. The check asks for the state of the registration and registers nothing: DPS pins
 * the leaf that registered last, and that decision is the daemon's. It counts as one request in the quota of DPS.
 */
async function enrollment(site: Site): Promise<Finding> {
  const id = (await site.config()).config.dps.registration_id;
  const as = await shownToDps(site);
  const found = await lookUp(site, as);
  if (found.kind === 'disabled') {
    const advice = 'Operator: enable the enrollment. If it was enabled since: `newleaf reprovision`';
    return failed('NL-DPS-DISABLED', `${lastAnswered(found, site)} that the enrollment of ${id} is disabled.`, advice);
  }
  if (found.kind === 'refused') {
    const why = 'neither it nor one of its issuers is enrolled, or the enrollment is disabled';
    const before = found.record === undefined ? 'DPS does' : `${lastAnswered(found.record, site)} that it does`;
    const what = as === 'leaf' ? 'leaf' : 'onboarding certificate';
    const message = `${before} not accept the ${what} of ${id}: ${why} (${found.words}).`;
    return failed('NL-DPS-401002', message, as === 'leaf' ? await adviceFor(site) : NOT_ENROLLED);
  }
  if (found.kind === 'unknown') {
    const advice = 'Operator: was it deleted on purpose? If not: `newleaf reprovision`';
    return warning(`DPS has no registration of ${id}.`, advice);
  }
  if (found.kind === 'other') return skipped(found.words);
  const hub = await assignedHub(site);
  if (found.hub === hub) return ok(`DPS knows ${id}, and has assigned ${hub}.`);
  return warning(`DPS has assigned ${found.hub}, and newleaf goes to ${hub ?? 'no hub yet'}.`, '`newleaf reprovision`');
}

/** The record stays as it is until the next registration, whatever the operator has changed. */
const lastAnswered = ({ at }: { readonly at: number | undefined }, { now }: Site): string =>
  `DPS last answered${at === undefined ? '' : ` ${moment(at, now)}`}`;

/** DPS answers a chain that lacks an intermediate as it answers a leaf without enrollment. */
async function adviceFor(site: Site): Promise<string> {
  const [leaf, ...others] = certificatesOf((await currentLeaf(site))?.chain ?? '');
  const { advice } = CODES['NL-DPS-401002'];
  if (leaf === undefined || others.length > 0) return advice;
  const issuer = issuerOf(new X509Certificate(leaf));
  return `${advice} If DPS has enrolled a CA above "${issuer}": the leaf is sent without intermediates, so install it again together with them.`;
}

const HANDSHAKE = ['tls-handshake', 'leaf-validity'];

export const AZURE_CHECKS: readonly Check[] = [
  {
    id: 'dps-reach',
    describes: 'DPS can be reached, and shows a certificate that is trusted.',
    needs: ['configuration'],
    async look(site) {
      const { endpoint, attestation } = (await site.config()).config.dps;
      // With a TPM, a gateway registers over HTTPS: DPS has no attestation by a TPM over MQTT.
      const at = attestation === 'tpm' ? withPort(endpoint, HTTPS) : endpoint;
      return reachAzure(site, 'DPS', at, 'dps.endpoint');
    },
  },
  {
    id: 'dps-tls',
    describes: 'DPS takes the current leaf, or the onboarding certificate, in a TLS handshake.',
    of: 'x509',
    needs: ['dps-reach', ...HANDSHAKE],
    async look(site) {
      const { endpoint } = (await site.config()).config.dps;
      return shaken(site, endpoint, 'NL-DPS-UNREACHABLE', await shownToDps(site));
    },
  },
  {
    id: 'enrollment',
    describes: 'DPS knows the leaf, or the onboarding certificate, and its enrollment is enabled.',
    of: 'x509',
    needs: ['dps-tls', 'registration-id'],
    look: enrollment,
  },
  {
    id: 'hub-reach',
    describes: 'The assigned hub can be reached, and shows a certificate that is trusted.',
    needs: ['configuration'],
    async look(site) {
      const hub = await assignedHub(site).catch(faultOf);
      if (hub instanceof Fault) return skipped('needs state-file');
      if (hub === undefined) return skipped('DPS has not assigned a hub yet.');
      return reachAzure(site, 'HUB', hub, 'the hub in `newleaf status`');
    },
  },
  {
    id: 'hub-tls',
    describes: 'The assigned hub takes the current leaf in a TLS handshake.',
    of: 'x509',
    needs: ['hub-reach', ...HANDSHAKE],
    async look(site) {
      const hub = await assignedHub(site);
      return hub === undefined ? NO_LEAF : shaken(site, hub, 'NL-HUB-CLOSED');
    },
  },
];
