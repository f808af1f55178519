import { must, type Situation } from './arrow.ts';
import type { Site } from './site.ts';

const CONFIGURATION = '/etc/newleaf/newleaf.toml';
const PASSWORD = '/etc/newleaf/est-password';
const STATE = '/var/lib/newleaf';
const SOCKETS = '/run/newleaf-uplink';
const TOKENS = '/var/lib/softhsm/tokens';
const RESTART = 'systemctl restart newleaf';

const sh =
  (line: string) =>
  ({ machine }: Site) =>
    must(machine, line);
/** The daemon then fails at once. */
const fallen =
  (line: string) =>
  ({ machine }: Site) =>
    must(machine, `${line}; systemctl restart newleaf || true`);
const NODE = '/usr/lib/newleaf/node';
/** Says so when the first connection is refused; it ends when the others do. */
const FILLS =
  'for (let i = 0; i < 999; i += 1) require("net").connect("/run/newleaf/control.sock").on("error", () => console.log("full"))';
const STATUS = ['newleaf', 'status'];

export const SITUATIONS: readonly Situation[] = [
  {
    title: 'the daemon may not read its configuration',
    breaks: sh(`chmod 0600 ${CONFIGURATION}`),
    screen: { check: 'permissions' },
    types: [`chmod 0644 ${CONFIGURATION}`],
  },
  {
    title: 'the directory of the configuration is closed',
    breaks: fallen(`chmod 0700 /etc/newleaf; ${RESTART} || true`),
    screen: { says: STATUS, of: 'NL-DAEMON-DOWN' },
    types: ['chmod 0755 /etc/newleaf', RESTART],
  },
  {
    title: 'nor a password',
    breaks: sh(`chown root: ${PASSWORD}; chmod 0600 ${PASSWORD}`),
    screen: { check: 'permissions' },
    types: [`chown newleaf ${PASSWORD}`, `chmod 0600 ${PASSWORD}`],
  },
  {
    title: 'all users may read a password',
    breaks: sh(`chown root:newleaf ${PASSWORD}; chmod 0644 ${PASSWORD}`),
    screen: { check: 'permissions' },
    types: [`chown newleaf ${PASSWORD}`, `chmod 0600 ${PASSWORD}`],
  },
  {
    title: 'all users may look into the state directory',
    breaks: sh(`chmod 0755 ${STATE}`),
    screen: { check: 'permissions' },
    types: [`chmod 0750 ${STATE}`],
  },
  {
    title: 'the state directory is of another user',
    breaks: sh(`chown -R root: ${STATE}`),
    screen: { check: 'state-directory' },
    types: [`chown -R newleaf: ${STATE}`],
  },
  {
    title: 'a file of the state is of another user',
    breaks: sh(`chown root: ${STATE}/state.json`),
    screen: { check: 'state-file' },
    types: [`chown newleaf: ${STATE}/state.json`],
  },
  {
    title: 'nothing starts the daemon at boot',
    breaks: sh('systemctl disable newleaf'),
    screen: { check: 'unit' },
    types: ['systemctl enable newleaf'],
  },
  {
    title: 'the unit is masked',
    breaks: sh('systemctl mask newleaf'),
    screen: { check: 'unit' },
    types: ['systemctl unmask newleaf'],
  },
  {
    title: 'the unit has lost its watchdog',
    breaks: ({ machine }) => {
      machine.dropIn('[Service]\nWatchdogSec=0\n');
      return must(machine, 'systemctl daemon-reload; systemctl restart newleaf');
    },
    screen: { check: 'unit' },
    types: ['systemctl daemon-reload', RESTART],
    before: sh('rm /etc/systemd/system/newleaf.service.d/zz-test.conf'),
  },
  {
    title: 'the user of the daemon was deleted',
    breaks: fallen('systemctl stop newleaf; userdel newleaf; groupdel newleaf || true'),
    screen: { check: 'socket' },
    types: ['systemd-sysusers', RESTART],
  },
  {
    title: 'another version is installed than runs',
    breaks: sh(`sed -i 's/="0\\.1\\.0",/="0.1.1",/' /usr/lib/newleaf/*.js`),
    screen: { check: 'version' },
    types: [RESTART],
  },
  {
    title: 'the directory of the sockets is away',
    breaks: sh(`rm -r ${SOCKETS}`),
    screen: { check: 'uplink-sockets' },
    types: ['systemd-tmpfiles --create', RESTART],
  },
  {
    title: 'it is of another user',
    breaks: sh(`chown root ${SOCKETS}`),
    screen: { check: 'uplink-sockets' },
    types: [`chown newleaf ${SOCKETS}`],
  },
  {
    title: 'the group of a program may not enter the directory of its socket',
    breaks: sh(`chmod 2700 ${SOCKETS}/sensors`),
    screen: { check: 'uplink-sockets' },
    types: ['systemd-tmpfiles --create', RESTART],
  },
  {
    title: 'the socket of a program cannot be opened',
    breaks: sh(`chown root: ${SOCKETS}/sensors; chmod 0700 ${SOCKETS}/sensors; ${RESTART}`),
    screen: { says: ['newleaf', 'uplink', 'list'] },
    types: ['newleaf uplink add NAME'],
    fills: { NAME: 'sensors' },
    leadsTo: [RESTART],
  },
  {
    title: 'the control socket was removed',
    breaks: sh('rm -rf /run/newleaf'),
    screen: { says: STATUS, of: 'NL-CONTROL-GONE' },
    types: [RESTART],
  },
  {
    title: 'the daemon was stopped',
    breaks: sh('systemctl stop newleaf'),
    screen: { says: STATUS, of: 'NL-DAEMON-DOWN' },
    types: ['systemctl start newleaf'],
  },
  {
    title: 'the daemon has stopped to answer',
    breaks: sh('systemctl kill --signal=STOP newleaf'),
    screen: { says: STATUS, of: 'NL-DAEMON-DOWN' },
    types: [RESTART],
  },
  {
    title: 'connections that are not accepted fill its socket',
    breaks: sh(
      `systemctl kill --signal=STOP newleaf; mkfifo /run/full; setsid ${NODE} -e '${FILLS}' >/run/full 2>&1 & head -n 1 /run/full`,
    ),
    screen: { says: STATUS, of: 'NL-CONTROL-BUSY' },
    types: [RESTART],
  },
  {
    title: 'the program of the issuer cannot be run',
    breaks: ({ machine, technician }) => {
      machine.write('/opt/issue', '#!/bin/sh\n', 0o644);
      technician.set('issuer', '"command"');
      return must(machine, `printf '[issuer.command]\nargv = ["/opt/issue"]\n' >>${CONFIGURATION}`);
    },
    screen: { check: 'issuer-reach' },
    types: ['chmod 0755 /opt/issue'],
    after: async ({ machine }) => {
      await machine.must('newleaf', 'check', 'issuer-reach');
      await must(machine, `sed -i '/issuer.command/,$d; s/^issuer = .*/issuer = "est"/' ${CONFIGURATION}`);
    },
  },
  {
    title: 'two daemons have one registration ID',
    breaks: sh(`mkdir /etc/newleaf/plant; cp ${CONFIGURATION} /etc/newleaf/plant`),
    screen: { check: 'configuration' },
    before: sh('rm -r /etc/newleaf/plant'),
    types: [RESTART],
  },
  {
    title: 'a user who may not ask the daemon',
    breaks: () => {},
    screen: { says: ['runuser', '-u', 'ines', '--', ...STATUS], of: 'NL-CONTROL-DENIED' },
    types: ['usermod -aG newleaf USER'],
    fills: { USER: 'ines' },
    after: sh('runuser -u ines -- newleaf status'),
  },
];

export { TOKENS };
