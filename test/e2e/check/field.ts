import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CODES } from '../../../agent/failure/failure.ts';
import { tinyDisk } from '../../unit/state/tiny-disk.ts';
import { DAY_S } from '../stage/fake-time.ts';
import { fill } from '../stage/fill.ts';
import type { Breakage } from './breakage.ts';
import { LOST } from './breakages.ts';
import type { Stage } from './stage.ts';

const portOf = (host: string): number => Number(host.split(':')[1]);
const SERVERS = ['dps', 'hub1', 'est'] as const;
const NAMED = { dps: 'DPS', hub1: 'HUB', est: 'EST' } as const;
const CHECKS = { dps: 'dps-reach', hub1: 'hub-reach', est: 'issuer-reach' } as const;

const REJECTED =
  'NL-HUB-REJECTED The hub refused the identity (CONNACK 2, 4 or 5). (CONNACK 5) → Operator, if it lasts: look at the device in the hub. newleaf registers again with DPS by itself.';

const hostOf = ({ far: { endpoints } }: Stage, server: (typeof SERVERS)[number]): string =>
  server === 'est' ? new URL(endpoints.est).host : endpoints[server];

/** The state goes to a small disk of its own. */
function moved({ t, gateway, configure }: Stage) {
  const disk = tinyDisk(t);
  const directory = join(disk.path, 'state');
  cpSync(gateway.stateDirectory, directory, { recursive: true });
  execFileSync('chmod', ['0750', directory]);
  configure({ 'state.directory': JSON.stringify(directory) });
  return { ...disk, directory };
}

/** What else a technician may meet. */
export const FIELD: readonly Breakage[] = [
  {
    title: 'a captive portal',
    async breaks({ far }) {
      for (const server of SERVERS) await far.lay(server, 'wrong-host');
    },
    red: (stage) =>
      SERVERS.map((server) => {
        const issuer = server === 'est' ? 'device CA intermediate 1' : 'server CA root';
        return `${CHECKS[server]} NL-${NAMED[server]}-UNTRUSTED The certificate at ${hostOf(stage, server)}, issued by "${issuer}", is for another name. → Something else answers there: look for a proxy, a captive portal, or a wrong DNS entry.`;
      }),
  },
  {
    title: 'a front end that lets no client certificate through',
    async breaks({ far }) {
      for (const server of ['dps', 'hub1'] as const) await far.lay(server, 'tls-alert', { code: 48 });
    },
    red: (stage) =>
      (['dps', 'hub1'] as const).map((server) => {
        const found = server === 'dps' ? 'dps-tls NL-DPS-UNREACHABLE' : 'hub-tls NL-HUB-CLOSED';
        return `${found} ${hostOf(stage, server)} ends the TLS handshake when it is shown the leaf: alert unknown ca. → The server was fine before it saw the leaf. Look at chain and leaf-validity; if both are ok, a firewall or proxy may not let client certificates through: ask its operator.`;
      }),
  },
  {
    title: 'a name with IPv6 addresses only',
    breaks: ({ names }) => names.forget('2001:db8::1 localhost'),
    red: (stage) =>
      SERVERS.map((server) => {
        const port = portOf(hostOf(stage, server));
        return `${CHECKS[server]} NL-${NAMED[server]}-UNREACHABLE 2001:db8::1 port ${port} cannot be reached: <reason>. → The name has IPv6 addresses only: this gateway needs an IPv6 route, or DNS64 with NAT64.`;
      }),
  },
  {
    title: 'a clock far ahead',
    breaks: ({ setClock }) => setClock(5 * 365 * DAY_S + 2 * DAY_S, 'gateway'),
    red: () => [
      `clock NL-CLOCK The clock is 5 years ahead. It is <moment> by <server>, which cannot prove who it is while the clock is wrong. → ${CODES['NL-CLOCK'].advice}`,
    ],
    daemon: {
      until: ({ wrong }) => wrong.some(({ code }) => code === 'NL-CLOCK'),
      says: () => 'and the leaf have expired. → Run `newleaf check clock`: it asks a server for the time.',
      async cure({ gateway, setClock }) {
        setClock(0, 'gateway');
        // At once, before the daemon has looked at its clock.
        const { out } = await gateway.command('status');
        assert.doesNotMatch(out, /EXPIRED|UNTRUSTED|in \d+ years/);
      },
    },
  },
  {
    title: 'the leaf of another key',
    breaks({ gateway: { token }, keyId }) {
      for (const type of ['privkey', 'pubkey']) token.ask('--delete-object', '--type', type, '--id', keyId);
      token.ask('--keypairgen', '--key-type', 'EC:prime256v1', '--id', keyId, '--label', 'newleaf-a');
    },
    red: () => [`leaf-key NL-TOKEN-KEY The key "newleaf-a" is not that of the current leaf. → ${LOST}`],
  },
  {
    title: 'two tokens of one label, and no note says which one has worked',
    breaks({ gateway }) {
      gateway.token.another();
      rmSync(join(gateway.stateDirectory, 'token-uri'));
    },
    red: () => [
      'token-present NL-TOKEN-MISSING 2 tokens match label "newleaf": "newleaf" (serial <serial>), "newleaf" (serial <serial>). → Name one of them by its serial number: hsm.uri = "pkcs11:serial=…" in place of hsm.token.',
    ],
  },
  {
    title: 'a module that hangs',
    breaks({ gateway, configure }) {
      // Whoever opens it waits for somebody to write.
      const path = join(gateway.directory, 'hung.so');
      execFileSync('mkfifo', [path]);
      configure({ 'hsm.module': JSON.stringify(path) });
    },
    red: ({ gateway }) => [
      `module-loads NL-TOKEN-HUNG PKCS#11 module ${gateway.directory}/hung.so did not answer within 20 s when it was loaded. → ${CODES['NL-TOKEN-HUNG'].advice}`,
    ],
  },
  {
    title: 'a PIN file from Windows: nothing wrong with it',
    breaks: ({ gateway }) => gateway.file('pin', `\uFEFF${gateway.token.hsm.pin}\r\n`, 0o600),
    red: () => [],
  },
  {
    title: 'a CA file in DER',
    breaks: ({ gateway }) => gateway.file('trust.pem', '\x30\x82\x01\x0a'),
    red: ({ trustFile }) =>
      ['dps-reach', 'hub-reach'].map(
        (check) =>
          `${check} NL-CONFIG trust.ca_file: there is no certificate in ${trustFile}. → Put CA certificates there as PEM (-----BEGIN CERTIFICATE-----).`,
      ),
  },
  {
    title: 'a setting that is no more',
    breaks: ({ configure }) => configure({ 'dps.scope_id': '"0ne00000000"' }),
    hidesDaemon: true,
    red: ({ gateway }) => [
      `configuration NL-CONFIG ${gateway.configuration}:18: dps.scope_id is not a setting; [dps] knows endpoint, id_scope, registration_id, attestation, payload, allowed_hubs. → ${CODES['NL-CONFIG'].advice}`,
    ],
  },
  {
    title: 'a full disk',
    breaks(stage) {
      const disk = moved(stage);
      if (disk !== undefined) fill(disk.path);
    },
    needsRoot: true,
    red: () => [
      'state-directory NL-STATE-WRITE The file system of <disk>/state is full: 0 bytes and <n> files are left. → Make room: see `df -h` and `df -i`.',
    ],
  },
  {
    title: 'a disk that has become read-only',
    breaks: (stage) => moved(stage)?.makeReadOnly(),
    needsRoot: true,
    red: () => [
      'state-directory NL-STATE-WRITE <disk>/state is on a file system that is read-only. → See with `dmesg` why, and mount it for writing again.',
    ],
  },
  {
    title: 'a device that is disabled in the hub',
    breaks: ({ far }) => far.setDeviceStatus('gw-0001', 'disabled'),
    red: () => [],
    daemon: {
      until: ({ trouble }) => trouble?.code === 'NL-HUB-REJECTED',
      red: () => [`trouble ${REJECTED}`],
      says: () => REJECTED,
      cure: ({ far }) => far.setDeviceStatus('gw-0001', 'enabled'),
    },
  },
];
