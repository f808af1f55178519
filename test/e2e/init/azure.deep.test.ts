import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, suite, type TestContext, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { environment } from './machine.ts';
import { Stage } from './stage.ts';

const DAY = 86_400_000;
const ENROLL = join(import.meta.dirname, '..', '..', '..', 'scripts', 'enroll.ts');
const TSX = import.meta.resolve('tsx');
const AS_DAEMON = 'setpriv --reuid newleaf --regid newleaf --init-groups';
const MODULE = '/usr/lib/softhsm/libsofthsm2.so';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('somebody who knows `az`, a factory key in the token, and leaves that Azure issues', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
      await stage.far.createPolicy('monthly', 30 * DAY);
    });
    beforeEach(async () => {
      await stage.reset();
      await stage.far.removeEnrollment('gateways');
    });
    after(() => stage.close());

    /** As the factory has left it: key and chain under one CKA_ID. */
    function factory({ key, cert }: ClientIdentity): void {
      const { machine } = stage;
      machine.sh(`${AS_DAEMON} softhsm2-util --init-token --free --label factory --pin 4711 --so-pin 47114711`);
      machine.write('/tmp/key', key);
      const importing = `softhsm2-util --import /tmp/key --token factory --label factory --id fa --pin 4711`;
      machine.sh(`${AS_DAEMON} ${importing}; rm /tmp/key`);
      for (const pem of cert.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []) {
        machine.write('/tmp/pem', pem);
        const object = '--write-object /tmp/der --type cert --label factory --id fa';
        machine.sh(
          `openssl x509 -in /tmp/pem -outform DER -out /tmp/der && ${AS_DAEMON} pkcs11-tool --module ${MODULE} --token-label factory --login --pin 4711 ${object} >/dev/null 2>&1`,
        );
      }
      machine.write('/root/pin', '4711\n', 0o600);
    }

    /** The operator, at another desk. */
    async function enroll(t: TestContext, ...argv: readonly string[]): Promise<string> {
      const desk = mkdtempSync(join(tmpdir(), 'desk-'));
      t.after(() => rmSync(desk, { recursive: true }));
      writeFileSync(join(desk, 'trust.pem'), stage.far.endpoints.trustPem);
      writeFileSync(join(desk, 'onboarding-ca.pem'), stage.far.endpoints.issuerPem);
      const { dpsService, hub1Service } = stage.far.endpoints;
      const connections = { NEWLEAF_DPS_CONNECTION: dpsService, NEWLEAF_HUB_CONNECTION: hub1Service };
      const env = { PATH: process.env.PATH, HOME: desk, NODE_EXTRA_CA_CERTS: join(desk, 'trust.pem'), ...connections };
      const child = spawn(process.execPath, ['--import', TSX, ENROLL, ...argv], { cwd: desk, env });
      const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
      assert.equal(code, 0, err);
      return out;
    }

    test('from init, which waits for the operator, to the first renewal', async (t) => {
      const { far, machine } = stage;
      factory(await far.clientIdentity('gw-0001'));
      const person = stage.person(t, '--issuer', 'azure', '--onboarding-key', 'pkcs11:object=factory');
      for (const [question, answer] of [
        ...stage.answers.slice(0, 5),
        ['Renew a leaf at', ''],
        ['Which one', '1'],
        ['PIN', '4711'],
      ] as const) {
        await person.answers(question, answer);
      }
      await person.sees('does not accept the onboarding certificate yet');
      await person.sees('issued by    CN=device CA intermediate 1');
      await person.sees('--issuing-policy NS/CA/POLICY');
      await person.sees('Waiting for the operator');
      // First without a policy, as for another issuer.
      await enroll(t, 'add', 'group', 'gateways', '--certificate', 'onboarding-ca.pem');
      person.types('\r');
      await person.sees('NL-AZURE-POLICY');
      await enroll(t, 'set-policy', 'gateways', 'newleaf/ica-1/monthly');
      person.types('\r');
      await person.sees('Connected to');
      await person.ends(0);
      t.diagnostic(`\n${person.transcript}`);
      const { devices } = await far.namespaceState();
      assert.deepEqual(
        devices.map(({ leaves }) => leaves.length),
        [1],
        'no leaf is asked for in vain',
      );

      // The first renewal, once the daemon runs.
      const since = far.log.entries.length;
      machine.sh('install -d -o newleaf /run/cred && install -o newleaf -m 400 /etc/newleaf/pin /run/cred/hsm-pin');
      const [file = '', ...argv] = machine.argv(['newleaf', 'run'], 'newleaf');
      const env = { ...environment(), CREDENTIALS_DIRECTORY: '/run/cred' };
      const daemon = spawn(file, argv, { env, stdio: 'ignore' });
      const ended = once(daemon, 'exit');
      t.after(async () => {
        daemon.kill('SIGTERM');
        await ended;
      });
      await far.log.waitFor({ event: 'connected', thumbprint: devices[0]?.leaves[0] ?? '' }, PATIENCE_MS, since);
      const { code, out, err } = await machine.newleaf(['roll', '--wait']);
      assert.equal(code, 0, `${out}${err}`);
      const [renewed] = (await far.namespaceState()).devices;
      assert.equal(renewed?.leaves.length, 2);
      assert.match(await enroll(t, 'list', 'leaves'), new RegExp(`gw-0001 .* ${renewed?.leaves.at(-1)} `));
    });

    /** The CSR on a screen that shows one. */
    const csrIn = (screen: string): string =>
      /-----BEGIN CERTIFICATE REQUEST-----[\s\S]+?-----END CERTIFICATE REQUEST-----/
        .exec(screen)?.[0]
        .replaceAll(/^ +/gm, '') ?? '';

    test('without a factory key: init makes one, Ctrl-C loses nothing, and its certificate is brought', async (t) => {
      const { far, machine } = stage;
      await far.enrollGroup({
        groupId: 'gateways',
        primary: far.endpoints.issuerPem,
        certificatePolicy: { policy: 'monthly' },
      });
      const first = stage.person(t, '--issuer', 'azure');
      for (const [question, answer] of [
        ...stage.answers.slice(0, 5),
        ['The key that DPS knows [pkcs11:object=newleaf-onboarding]', ''],
        ...stage.answers.slice(-4),
      ] as const) {
        await first.answers(question, answer);
      }
      await first.sees('The onboarding key "newleaf-onboarding" is in the token');
      await first.sees('END CERTIFICATE REQUEST');
      await first.sees('init waits for it');
      first.interrupts();
      await first.ends(1);
      const keys = () =>
        machine.sh(
          `${AS_DAEMON} pkcs11-tool --module ${MODULE} --token-label newleaf --login --pin $(cat /etc/newleaf/pin) --list-objects --type privkey 2>/dev/null | grep -c "label:.*onboarding" || true`,
        );
      assert.equal(keys().trim(), '1');

      const person = stage.person(t);
      await person.sees('END CERTIFICATE REQUEST');
      await person.sees('init waits for it');
      const spki = (csr: string) => machine.sh('openssl req -noout -pubkey', csr);
      assert.equal(spki(csrIn(person.transcript)), spki(csrIn(first.transcript)), 'no second key');
      assert.match(machine.sh('openssl req -noout -text', csrIn(person.transcript)), /P-384/);
      machine.write('/root/other.pem', (await far.clientIdentity('gw-0001')).cert);
      const wrong = await machine.newleaf(['install', '--onboarding', '/root/other.pem']);
      assert.match(wrong.err, /NL-LEAF-KEY/);
      machine.write('/root/onboarding.pem', await far.issue(csrIn(person.transcript)));
      const { code, out, err } = await machine.newleaf(['install', '--onboarding', '/root/onboarding.pem']);
      assert.equal(code, 0, `${out}${err}`);
      await person.sees('Connected to');
      await person.ends(0);
      t.diagnostic(`\n${person.transcript}`);
      assert.match(machine.sh('cat /etc/newleaf/newleaf.toml'), /certificate = "\/var\/lib\/newleaf\/onboarding\.pem"/);
      assert.equal(keys().trim(), '1');

      const given = await machine.newleaf(['decommission', '--yes']);
      assert.equal(given.code, 0, `${given.out}${given.err}`);
      assert.match(given.out, /key newleaf-onboarding \(id [0-9a-f]{32}\)/);
      assert.match(given.out, /scripts\/enroll revoke gw-0001/);
      assert.equal(keys().trim(), '0');
      assert.equal(machine.sh('ls /var/lib/newleaf | grep -c onboarding || true').trim(), '0');
    });

    test('without a factory key, in a script: it ends with the CSR, and what to do', async () => {
      const { machine } = stage;
      const flags = stage.flags.slice(0, stage.flags.indexOf('--issuer'));
      const argv = ['init', '--yes', ...flags, '--issuer', 'azure', '--new-token', 'softhsm'];
      const first = await machine.newleaf(argv);
      assert.equal(first.code, 4, first.err);
      assert.match(first.out, /BEGIN CERTIFICATE REQUEST/);
      assert.match(first.err, /NL-ONBOARDING-LEAF There is no onboarding certificate yet.*install --onboarding FILE/s);
      const again = await machine.newleaf(['init']);
      assert.equal(again.code, 4, again.err);
      const spki = ({ out }: typeof first) => machine.sh('openssl req -noout -pubkey', csrIn(out));
      assert.equal(spki(again), spki(first));
    });
  });
}
