import { must, type Situation } from './arrow.ts';
import type { Site } from './site.ts';

const STATE = '/var/lib/newleaf';
/** As softhsm2.conf of Debian writes it. */
const TOKENS = '/var/lib/softhsm/tokens/';
const DROP_INS = '/etc/systemd/system/newleaf.service.d';
const PIN = '/etc/newleaf/pin';
const CONFIGURATION = '/etc/newleaf/newleaf.toml';
const [START, STOP, RESTART] = ['start', 'stop', 'restart'].map((verb) => `systemctl ${verb} newleaf`) as [
  string,
  string,
  string,
];
const ROLL = 'newleaf roll --wait';
const ADOPT = 'newleaf init --adopt token --yes';

const sh =
  (line: string) =>
  ({ machine }: Site) =>
    must(machine, line);
/** The daemon then ends at once, and systemd knows it. */
const fallen = (line: string) => sh(`${line}; ${RESTART} || true`);
const status = (of: string): Situation['screen'] => ({ says: ['newleaf', 'status'], of });
/** The same where the daemon tries on, or tells it before it ends. */
const told = (of: string): Situation['screen'] => ({ says: ['newleaf', 'status'], of, isTold: true });

/** What a gateway may lose: after each the gateway is as well as before. */
export const LOSSES: readonly Situation[] = [
  {
    title: 'the PIN is wrong',
    breaks: fallen(`cp ${PIN} /root/pin; echo 0815 >${PIN}`),
    screen: told('NL-TOKEN-PIN'),
    before: sh(`cat /root/pin >${PIN}`),
    types: [RESTART],
  },
  {
    title: 'the PIN is away',
    breaks: fallen(`mv ${PIN} /root/pin`),
    screen: told('NL-TOKEN-PIN-FILE'),
    before: sh(`mv /root/pin ${PIN}`),
    types: [RESTART],
  },
  {
    title: 'the state is lost, and the person begins anew',
    breaks: fallen(`${STOP}; rm ${STATE}/state.json`),
    screen: told('NL-TOKEN-OCCUPIED'),
    types: [STOP, ADOPT, START, 'newleaf decommission', 'newleaf init'],
    chosen: ['newleaf decommission --yes', 'newleaf init --yes'],
    leadsTo: ['systemctl disable --now newleaf', 'newleaf decommission'],
    after: sh('systemctl enable --now newleaf'),
  },
  {
    title: 'another registration ID for a gateway that has a leaf',
    breaks: fallen(`sed -i s/gw-0001/gw-0002/ ${CONFIGURATION}`),
    screen: told('NL-DPS-REJECTED'),
    types: ['newleaf decommission', 'newleaf init'],
    chosen: ['newleaf decommission --yes', 'newleaf init --yes'],
    leadsTo: ['systemctl disable --now newleaf', 'newleaf decommission'],
    after: sh('systemctl enable --now newleaf'),
  },
  {
    title: 'the state is lost, and the token has the leaf',
    breaks: fallen(`${STOP}; rm ${STATE}/state.json`),
    screen: told('NL-TOKEN-OCCUPIED'),
    types: [STOP, ADOPT, START, 'newleaf decommission', 'newleaf init'],
    chosen: [STOP, ADOPT, START],
  },
  {
    title: 'the state file is damaged, and there is a backup',
    breaks: fallen(`${STOP}; cp -p ${STATE}/state.json /root; : >${STATE}/state.json`),
    screen: status('NL-STATE-CORRUPT'),
    before: sh(`cp -p /root/state.json ${STATE}`),
    types: [ADOPT, START],
    chosen: [START],
  },
  {
    title: 'the state file is damaged, and there is none',
    breaks: fallen(`${STOP}; : >${STATE}/state.json`),
    screen: status('NL-STATE-CORRUPT'),
    before: sh(`mv ${STATE}/state.json /root/damaged`),
    types: [ADOPT, START],
  },
  {
    title: 'the state file is of a newer newleaf',
    breaks: fallen(
      `${STOP}; cp -p ${STATE}/state.json /root; sed -i 's/"format": [0-9]*/"format": 99/' ${STATE}/state.json`,
    ),
    screen: status('NL-STATE-NEWER'),
    before: sh(`cp -p /root/state.json ${STATE}`),
    types: [START],
  },
  {
    title: 'the state file was put back by root, under a unit of another',
    breaks: fallen(
      `${STOP}; chown root: ${STATE}/state.json; chmod 600 ${STATE}/state.json; mkdir -p ${DROP_INS}; printf '[Service]\\nExecStartPre=\\n' >${DROP_INS}/other.conf; systemctl daemon-reload`,
    ),
    screen: status('NL-STATE-OWNER'),
    types: [`chown newleaf: ${STATE}/state.json`, START],
  },
  {
    title: 'the configuration is lost',
    breaks: fallen('cp -rp /etc/newleaf /root/kept; rm -r /etc/newleaf'),
    screen: { says: ['newleaf', 'status'] },
    before: sh('cp -rp /root/kept /etc/newleaf'),
    types: [RESTART, 'newleaf init'],
    chosen: [RESTART],
  },
  {
    title: 'a line of the configuration is wrong',
    breaks: fallen(`cp -p ${CONFIGURATION} /root; sed -i s/id_scope/scope_id/ ${CONFIGURATION}`),
    screen: { says: ['newleaf', 'status'] },
    before: sh(`cp -p /root/newleaf.toml ${CONFIGURATION}`),
    types: [RESTART],
  },
  {
    title: 'the daemon may not read its token',
    breaks: fallen(`chown -R root: ${TOKENS}; chmod 0700 ${TOKENS}`),
    screen: told('NL-TOKEN-FAILED'),
    types: [`chown -R newleaf: ${TOKENS}`],
  },
  {
    title: 'the directory of the tokens is not mounted',
    breaks: fallen(`${STOP}; mv ${TOKENS} /root/tokens`),
    screen: told('NL-TOKEN-FAILED'),
    before: sh(`mv /root/tokens ${TOKENS}`),
    types: [RESTART, STOP, `install -d -o newleaf -m 700 ${TOKENS}`, 'newleaf init --new-token softhsm', START],
    chosen: [RESTART],
  },
  {
    title: 'the tokens are lost',
    breaks: fallen(`${STOP}; rm -r ${TOKENS}`),
    screen: told('NL-TOKEN-FAILED'),
    types: [RESTART, STOP, `install -d -o newleaf -m 700 ${TOKENS}`, 'newleaf init --new-token softhsm', START],
    chosen: [STOP, `install -d -o newleaf -m 700 ${TOKENS}`, 'newleaf init --new-token softhsm --yes', START],
  },
  {
    title: 'a key of another program is in the next place',
    breaks: ({ machine }) =>
      must(
        machine,
        `for s in a b; do pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin $(cat ${PIN}) -O --type privkey | grep -q newleaf-$s || pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin $(cat ${PIN}) --keypairgen --key-type EC:prime256v1 --label newleaf-$s --id beef; done; chown -R newleaf: ${TOKENS}; newleaf roll --wait || true`,
      ),
    screen: told('NL-TOKEN-OCCUPIED'),
    before: sh(`sed -i '/^\\[hsm\\]/a label_prefix = "mine"' ${CONFIGURATION}`),
    types: [RESTART, ROLL],
  },
  {
    title: 'this gateway was given up',
    breaks: sh(`${STOP}; newleaf decommission --yes; ${START} || true`),
    screen: status('NL-STATE-DECOMMISSIONED'),
    types: ['systemctl disable newleaf', 'newleaf init'],
    chosen: ['newleaf init --yes', START],
  },
];
