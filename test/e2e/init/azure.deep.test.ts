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
  });
}
