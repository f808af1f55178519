import { lookup } from 'node:dns/promises';
import { CODES } from '../../../agent/failure/failure.ts';
import { deafen } from '../../deaf.ts';
import { DAY_S } from '../stage/fake-time.ts';
import type { Breakage } from './breakage.ts';

/** What localhost stands for on the machine of whoever tests. */
const HERE = [...new Set((await lookup('localhost', { all: true })).map(({ address }) => address))].join(' or ');

const HOUR_MS = 3_600_000;
const portOf = (host: string): number => Number(host.split(':')[1]);
const met = ({ trouble }: { readonly trouble?: unknown }): boolean => trouble !== undefined;

const NAME_SERVERS = 'Check the name servers (resolvectl status, /etc/resolv.conf), and';
export const LOST =
  'Is it the right token (hsm.token, hsm.uri)? If its key is lost, get another: `newleaf roll --wait`.';
const ENABLE = CODES['NL-DPS-DISABLED'].advice;

/** The ten ways to be broken. */
export const BREAKAGES: readonly Breakage[] = [
  {
    title: 'module path wrong',
    breaks: ({ configure }) => configure({ 'hsm.module': '"/nowhere/libnone.so"' }),
    red: () => [
      `module-loads NL-TOKEN-MODULE PKCS#11 module /nowhere/libnone.so cannot be loaded: /nowhere/libnone.so: cannot open shared object file: No such file or directory. → ${CODES['NL-TOKEN-MODULE'].advice}`,
    ],
  },
  {
    title: 'token missing',
    breaks: ({ configure }) => configure({ 'hsm.token': '"elsewhere"' }),
    red: ({ gateway }) => [
      `token-present NL-TOKEN-MISSING No token matches label "elsewhere". Tokens there: "newleaf" (serial <serial>). → Check hsm.token against \`pkcs11-tool --module ${gateway.token.hsm.module} -L\`. If the token is lost: \`systemctl stop newleaf\`, \`newleaf init --ask\`, \`systemctl start newleaf\`, \`newleaf roll --wait\`.`,
    ],
  },
  {
    title: 'PIN wrong',
    breaks: ({ gateway }) => gateway.file('pin', '9999\n', 0o600),
    red: () => [
      `pin NL-TOKEN-PIN Logging in to token newleaf (serial <serial>): the PIN is wrong (CKR_PIN_INCORRECT). → ${CODES['NL-TOKEN-PIN'].advice}`,
    ],
    again: ({ gateway }) => [
      `pin NL-TOKEN-PIN Token newleaf (serial <serial>) has refused this PIN before (CKR_PIN_INCORRECT), so it was not tried again. → Put the right PIN into \`/etc/newleaf/pin\` (or hsm.pin_file). If this one is right, as the token has been given it since: \`rm ${gateway.stateDirectory}/refused-pin.json\`. Then \`systemctl restart newleaf\`.`,
    ],
  },
  {
    title: 'key missing',
    breaks: ({ gateway, keyId }) => gateway.token.ask('--delete-object', '--type', 'privkey', '--id', keyId),
    red: ({ keyId }) => [`leaf-key NL-TOKEN-KEY Token "newleaf" has no key with the id ${keyId} (slot a). → ${LOST}`],
    daemon: {
      until: met,
      red: ({ keyId }) => [`trouble NL-TOKEN-KEY Token "newleaf" has no private key with id ${keyId}. → ${LOST}`],
      says: ({ keyId }) =>
        `NL-TOKEN-KEY Token "newleaf" has no private key with id ${keyId}. → ${CODES['NL-TOKEN-KEY'].advice}`,
      cure: ({ gateway }) => gateway.command('roll', '--wait'),
    },
  },
  {
    title: 'leaf expired',
    policy: { lifetimeMs: HOUR_MS },
    async breaks({ far, setClock }) {
      // The CA gives no new one: else the daemon would be well again at once.
      await far.lay('est', 'est-status', { status: 403 });
      setClock(2 * 3_600, 'everybody');
    },
    red: () => [
      `leaf-validity NL-LEAF-EXPIRED The current leaf expired about 60 min ago (<moment>). → newleaf gets a new one by itself, once the issuer can be reached and the daemon runs: see \`newleaf status\`.`,
    ],
    daemon: {
      until: ({ next, alarm }) => next?.trouble !== undefined && alarm === 'expired',
      red: () => [
        `trouble NL-EST-AUTH About the next leaf: The EST server answered simpleenroll with 403. (Fault.) → ${CODES['NL-EST-AUTH'].advice} After that: \`newleaf roll --wait\`; after a change of the configuration: \`systemctl restart newleaf\`. newleaf asks again by itself in about 5 min.`,
      ],
      says: () =>
        'NL-LEAF-EXPIRED The leaf expired on <moment> UTC by the clock of this gateway, and no new one has come. → The reason is named beside it. Or bring one yourself: `newleaf csr`, have it signed, then `newleaf install FILE`. NL-EST-AUTH The EST server answered simpleenroll with 403. (Fault.) → Check issuer.est.username and password_file, or the bootstrap identity.',
      async cure({ far, gateway }) {
        await far.lift('est');
        // The CA goes by the right time.
        await far.setPolicy({ lifetimeMs: 24 * HOUR_MS });
        return gateway.command('roll', '--wait');
      },
    },
  },
  {
    title: 'clock in 1970',
    breaks: ({ setClock }) => setClock(10 * DAY_S + 60 - Math.round(Date.now() / 1000), 'gateway'),
    red: () => [
      `clock NL-CLOCK The clock is wrong: it says 1970-01-11 <minute>, and it cannot be before <moment>. It is <moment> by <server>, which cannot prove who it is while the clock is wrong. → ${CODES['NL-CLOCK'].advice}`,
    ],
    daemon: {
      until: met,
      says: () =>
        'NL-CLOCK The clock is wrong: it cannot be before <moment> UTC. Until it is right, no server can be trusted, and nothing is renewed or judged expired. → Check NTP with `timedatectl`, or set the clock.',
    },
  },
  {
    title: 'DNS gone',
    breaks: ({ names }) => names.forget(),
    red: () => [
      `dps-reach NL-DPS-UNREACHABLE The name localhost cannot be resolved: no name server answers (EAI_AGAIN). → ${NAME_SERVERS} dps.endpoint.`,
      `hub-reach NL-HUB-UNREACHABLE The name localhost cannot be resolved: no name server answers (EAI_AGAIN). → ${NAME_SERVERS} the hub in \`newleaf status\`.`,
      `issuer-reach NL-EST-UNREACHABLE The name localhost cannot be resolved: no name server answers (EAI_AGAIN). → ${NAME_SERVERS} issuer.est.url.`,
    ],
    daemon: {
      until: met,
      says: () =>
        'NL-HUB-UNREACHABLE The hub cannot be reached. (no name server answers, EAI_AGAIN) → Check the network, DNS and the firewall (port 8883) with `newleaf check`.',
    },
  },
  {
    title: 'port 8883 blocked',
    async breaks({ t, far }) {
      for (const server of ['dps', 'hub1'] as const) {
        await far.lay(server, 'port-closed');
        await deafen(t, portOf(far.endpoints[server]));
      }
    },
    red: ({ far: { endpoints } }) =>
      (['dps', 'hub1'] as const).map((server) => {
        const [check, code] =
          server === 'dps' ? ['dps-reach', 'NL-DPS-UNREACHABLE'] : ['hub-reach', 'NL-HUB-UNREACHABLE'];
        const port = portOf(endpoints[server]);
        return `${check} ${code} ${HERE} port ${port} cannot be reached: there is no answer in time. → Check network and firewall: TCP port ${port} must be open from here.`;
      }),
    daemon: {
      until: met,
      says: () =>
        'NL-HUB-UNREACHABLE The hub cannot be reached. (there is no answer in time, ETIMEDOUT) → Check the network, DNS and the firewall (port 8883) with `newleaf check`.',
    },
  },
  {
    title: 'untrusted server',
    async breaks({ far }) {
      for (const server of ['dps', 'hub1'] as const) await far.lay(server, 'untrusted-server');
    },
    red: ({ far: { endpoints }, trustFile }) =>
      (['dps', 'hub1'] as const).map((server) => {
        const [check, code] = server === 'dps' ? ['dps-reach', 'NL-DPS-UNTRUSTED'] : ['hub-reach', 'NL-HUB-UNTRUSTED'];
        return `${check} ${code} ${endpoints[server]} shows a certificate issued by "CA that nobody trusts root", which ${trustFile} does not vouch for (UNABLE_TO_VERIFY_LEAF_SIGNATURE). → If that issuer is right, add it to ${trustFile}; if not, a proxy or a captive portal answers in its place: talk to the operator of the network.`;
      }),
    daemon: {
      until: met,
      says: () =>
        "NL-HUB-UNTRUSTED The hub's certificate is not trusted: a TLS-inspecting proxy, a captive portal, or a new root. (its CA is not in trust.ca_file, UNABLE_TO_VERIFY_LEAF_SIGNATURE) → Check trust.ca_file and the network with `newleaf check`.",
      async cure({ far, gateway }) {
        for (const server of ['dps', 'hub1'] as const) await far.lift(server);
        await gateway.settled();
      },
    },
  },
  {
    title: 'enrollment disabled',
    breaks: ({ far }) => far.setStatus('gateways', 'disabled'),
    red: () => [
      'enrollment NL-DPS-DISABLED DPS last answered that the enrollment of gw-0001 is disabled. → Operator: enable the enrollment. If it was enabled since: `newleaf reprovision`',
    ],
    daemon: {
      // The hub knows the leaf all the same: the daemon learns of it when it registers again.
      after: ({ gateway }) => gateway.post('/v1/reprovision'),
      until: ({ trouble }) => trouble?.code === 'NL-DPS-DISABLED',
      red: () => [`trouble NL-DPS-DISABLED The enrollment of this device is disabled in DPS. → ${ENABLE}`],
      says: () => `NL-DPS-DISABLED The enrollment of this device is disabled in DPS. → ${ENABLE}`,
      async cure({ far, gateway }) {
        await far.setStatus('gateways', 'enabled');
        return gateway.command('reprovision', '--wait');
      },
    },
  },
];
