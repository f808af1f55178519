import { Unreached } from '../../../../agent/cli/proof/dial.ts';
import { Fault } from '../../../../agent/failure/failure.ts';
import { mint, mintCa } from '../../certificate/mint.ts';
import { dialled, entry } from '../gateway.ts';
import { NOW } from '../stage.ts';
import { answers, BY_AZURE, DAY, errno, fails, type Rows, settingIn, shows, withLeaf, withoutLeaf } from './row.ts';

const unreached = (stage: Unreached['stage'], isIpv6Only = false) =>
  fails(new Unreached(stage, 'No.', 8883, undefined, isIpv6Only));
const wrongClock = { entry: async () => ({ ...entry, lastSeen: NOW + DAY }) };

const alone = await mint({ by: await mintCa({ subject: 'CN=Device CA' }) });

/** Answers on 443, and fails in this way on 8883. */
const only443 = (error: Error) => ({
  dial: async (host: string) => (host.endsWith(':443') ? { ...dialled, port: 443 } : fails(error)()),
});
const blocked = only443(new Unreached('tcp', 'No.', 8883, undefined));
const tlsFails = (code: string) => new Unreached('tls', 'No.', 8883, errno(code));
const proxied = only443(new Fault('NL-NETWORK-PROXY-REFUSED', { message: 'The proxy says 403.' }));
const onlyMqtt = settingIn('network', 'transport = "mqtt"');

/** DPS and hub. */
export const AZURE: Rows = {
  'dps-reach': [
    ['well', {}, /^ok global\.azure-devices-provisioning\.net answers at 192\.0\.2\.7 port 8883, trusted/],
    ['no name', { dial: unreached('dns') }, /^failed NL-DPS-UNREACHABLE No\. -> Check the name servers/],
    ['no way', { dial: unreached('tcp') }, /^failed NL-DPS-UNREACHABLE No\. -> .*TCP port 8883 must be open/],
    ['IPv6 only', { dial: unreached('tcp', true) }, /^failed NL-DPS-UNREACHABLE No\. -> .*IPv6 addresses only/],
    [
      'no CA file',
      { dial: fails(new Fault('NL-CONFIG', { message: 'trust.ca_file: x cannot be read.' })) },
      /^failed NL-CONFIG trust\.ca_file: x cannot be read\. -> /,
    ],
    [
      'a CA file that the daemon may not read',
      {
        authorities: fails(new Fault('NL-CONFIG', { cause: errno('EACCES', '/etc/newleaf/trust.pem') })),
        user: 'newleaf',
      },
      /^failed NL-CONFIG The user newleaf may not read .*trust\.pem\. -> `chmod 0644 \/etc\/newleaf\/trust\.pem`$/,
    ],
    [
      '8883 is blocked, 443 is open',
      blocked,
      /^ok Port 8883 is blocked here \(No\.\) .*:443 answers at 192\.0\.2\.7 port 443, trusted .* uses 443 by itself\.$/,
    ],
    [
      'the same, and the configuration does not allow 443',
      blocked,
      /^failed NL-DPS-UNREACHABLE Port 8883 is blocked here .* -> Set network\.transport = "auto"/,
      onlyMqtt,
    ],
    [
      '8883 is cut at the ClientHello, 443 is open',
      only443(tlsFails('ECONNRESET')),
      /^ok Port 8883 is blocked here \(No\.\) .*443 by itself/,
    ],
    [
      '8883 is silent after TCP, 443 is open',
      only443(tlsFails('ABORT_ERR')),
      /^ok Port 8883 is blocked here \(No\.\) .*443 by itself/,
    ],
    [
      '8883 answers with a TLS alert, 443 is open',
      only443(tlsFails('ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE')),
      /^failed NL-DPS-UNREACHABLE No\. .*:443 answers at .* -> .* set network\.transport = "mqtt-ws"/,
    ],
    ['a proxy that allows 443 only', proxied, /^ok Port 8883 is blocked here \(The proxy says 403\.\)/],
    [
      'a proxy that wants a password',
      { dial: fails(new Fault('NL-NETWORK-PROXY-AUTH', { message: 'HTTP 407.' })) },
      /^failed NL-NETWORK-PROXY-AUTH HTTP 407\. -> Check network\.proxy_username/,
    ],
    [
      'a captive portal',
      { dial: fails(new Fault('NL-NETWORK-PORTAL', { message: 'A page.' })) },
      /^failed NL-NETWORK-PORTAL A page\. -> Operator of the network/,
    ],
  ],
  'dps-tls': [
    ['over 443', blocked, /^ok Not tried: over port 443, /],
    ['taken', {}, /^ok global\.azure.* takes the leaf in a handshake \(TLSv1\.3\)\.$/],
    [
      'refused',
      { shake: async () => ({ verdict: 'refused', reason: 'unknown CA.' }) },
      /^failed NL-DPS-UNREACHABLE global.* ends the TLS handshake when it is shown the leaf: unknown CA\. -> /,
    ],
  ],
  'hub-reach': [
    ['no hub yet', { entry: withoutLeaf }, /^skipped DPS has not assigned a hub yet\.$/],
    ['new gateway', { entry: async () => 'absent' }, /^skipped DPS has not assigned a hub yet\.$/],
    [
      'known by the daemon, where the state file is closed',
      { entry: fails(errno('EACCES')), dial: async (host) => fails(new Unreached('dns', host, 1, undefined))() },
      /^failed NL-HUB-UNREACHABLE hub-1\.azure-devices\.net /,
    ],
    [
      'nobody may tell',
      { entry: fails(errno('EACCES')), status: fails(new Fault('NL-DAEMON-DOWN')) },
      /^skipped This user may not read /,
    ],
    [
      'damaged state',
      { entry: fails(new Fault('NL-STATE-CORRUPT')), status: fails(new Fault('NL-DAEMON-DOWN')) },
      /^skipped needs state-file$/,
    ],
    [
      'proxy',
      { dial: shows({ issuer: 'ACME Proxy', distrust: 'SELF_SIGNED_CERT_IN_CHAIN' }) },
      /^failed NL-HUB-UNTRUSTED hub-1\.azure-devices\.net shows a certificate issued by "ACME Proxy", which \/etc\/ssl/,
    ],
    [
      'a server whose certificate has expired',
      { dial: shows({ distrust: 'CERT_HAS_EXPIRED' }) },
      /^failed NL-HUB-UNTRUSTED .* is not valid at this time/,
    ],
    [
      'a clock that is wrong',
      { dial: shows({ distrust: 'CERT_NOT_YET_VALID' }), ...wrongClock },
      /^skipped .* answers at .*; its identity cannot be checked while the clock is wrong\.$/,
    ],
    [
      'another host',
      { dial: shows({ distrust: 'ERR_TLS_CERT_ALTNAME_INVALID' }) },
      /^failed NL-HUB-UNTRUSTED .* is for another name\. -> .*captive portal/,
    ],
  ],
  'hub-tls': [
    [
      'silent',
      { shake: async () => ({ verdict: 'silent', protocol: 'TLSv1.3' }) },
      /^ok hub-1.* makes no objection to the leaf in a handshake \(TLSv1\.3\)\.$/,
    ],
    [
      'refused',
      { shake: async () => ({ verdict: 'refused', reason: 'it ended the connection.' }) },
      /^failed NL-HUB-CLOSED hub-1.*: it ended the connection\. -> /,
    ],
  ],
  enrollment: [
    [
      'assigned',
      { exchange: answers(200, { status: 'assigned', assignedHub: 'hub-1.azure-devices.net' }) },
      /^ok DPS knows gw-0001, and has assigned hub-1\.azure-devices\.net\.$/,
    ],
    [
      'assigned elsewhere',
      { exchange: answers(200, { status: 'assigned', assignedHub: 'hub-2.azure-devices.net' }) },
      /^warning DPS has assigned hub-2.*, and newleaf goes to hub-1.* -> `newleaf reprovision`$/,
    ],
    [
      'disabled, as a status',
      { exchange: answers(200, { status: 'disabled' }) },
      /^failed NL-DPS-DISABLED DPS last answered that the enrollment of gw-0001 is disabled\. -> Operator: enable the enrollment\. If it was enabled since: `newleaf reprovision`$/,
    ],
    [
      'disabled, as a failed registration',
      { exchange: answers(200, { status: 'failed', errorCode: 401002, errorMessage: 'Unauthorized' }) },
      /^failed NL-DPS-401002 DPS last answered that it does not accept .*, or the enrollment is disabled \(401002 Unauthorized\)\. -> .* then `newleaf reprovision`\.$/,
    ],
    [
      'refused',
      { exchange: answers(401, { errorCode: 401002, message: 'CA certificate not found.' }) },
      /^failed NL-DPS-401002 DPS does not accept the leaf of gw-0001: .* \(401002 CA certificate not found\.\)\. -> /,
    ],
    [
      'refused, and DPS sees the onboarding certificate alone',
      { exchange: answers(401, { errorCode: 401002, message: 'No.' }) },
      /^failed NL-DPS-401002 DPS does not accept the onboarding certificate of gw-0001: .* -> Operator: enroll the onboarding certificate or its issuer, or/,
      BY_AZURE,
    ],
    [
      'refused, and the leaf is sent alone',
      { entry: withLeaf({ chain: alone.pem }), exchange: answers(401, { errorCode: 401002, message: 'No.' }) },
      /^failed NL-DPS-401002 .* If DPS has enrolled a CA above "Device CA": the leaf is sent without intermediates, so install it/,
    ],
    ['deleted', { exchange: answers(404, {}) }, /^warning DPS has no registration of gw-0001\. -> /],
    ['throttled', { exchange: answers(429, 'x') }, /^skipped DPS says nothing about the leaf: HTTP 429\.$/],
    ['a portal', { exchange: answers(200, '<html>') }, /^skipped DPS says nothing about the leaf: HTTP 200\.$/],
    [
      'no allocation',
      { exchange: answers(200, { status: 'failed', errorCode: 400208 }) },
      /^skipped DPS says nothing about the leaf: 400208\.$/,
    ],
    [
      'no hub is linked, by the number that begins like a refusal',
      { exchange: answers(200, { status: 'failed', errorCode: 401001, errorMessage: 'IoTHub not found.' }) },
      /^skipped DPS says nothing about the leaf: 401001 IoTHub not found\.$/,
    ],
    [
      'DPS has lost its right at the hub',
      { exchange: answers(401, { errorCode: 401002, message: 'IotHubUnauthorizedAccess' }) },
      /^skipped DPS says nothing about the leaf: 401002 IotHubUnauthorizedAccess\.$/,
    ],
    [
      'port 443 is blocked',
      { exchange: fails(new Fault('NL-EST-UNREACHABLE', { message: 'x cannot be reached.', cause: 'ETIMEDOUT' })) },
      /^skipped DPS can only be asked over HTTPS, and does not answer there: x cannot be reached\. \(ETIMEDOUT\)$/,
    ],
    [
      'the token fails',
      { exchange: fails(new Fault('NL-TOKEN-FAILED', { message: 'no' })) },
      /^failed NL-TOKEN-FAILED no -> /,
    ],
  ],
};
