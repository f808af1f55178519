import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, beforeEach, suite, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openHub, register } from '../../clients/device.ts';
import { insideNetworkNamespace } from '../../namespace.ts';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { aziotConfig } from './aziot-config.ts';
import { environment } from './machine.ts';
import { Stage } from './stage.ts';

const ID = 'gw-0001';
const LEAF = '/root/leaf.pem';
const KEY = '/root/leaf.key';
const DAY = 86_400_000;
const AS_DAEMON = 'setpriv --reuid newleaf --regid newleaf --init-groups --';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('newleaf takes over a running gateway', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(() => stage.reset());
    after(() => stage.close());
    const init = (...options: readonly string[]) => stage.machine.newleaf(['init', '--yes', ...options]);
    const where = () => [
      '--trust-ca',
      '/etc/newleaf/trust.pem',
      ...stage.flags.slice(0, 2),
      ...stage.flags.slice(4, 6),
    ];
    const issuer = () => stage.flags.slice(8, 14);
    const place = ({ cert, key }: Pick<ClientIdentity, 'cert' | 'key'>) => {
      stage.machine.write(LEAF, cert, 0o644);
      stage.machine.write(KEY, key, 0o600);
    };
    const privateKeys = (token = 'newleaf') => {
      const login = `--login --token-label ${token} --pin "$(cat /etc/newleaf/pin)"`;
      const module = '/usr/lib/softhsm/libsofthsm2.so';
      const list = `${AS_DAEMON} pkcs11-tool --module ${module} ${login}`;
      const listed = stage.machine.sh(`${list} --list-objects --type privkey 2>/dev/null`);
      return [...listed.matchAll(/^ {2}label: +(\S.*)$/gm)].map(([, label = '']) => label).sort();
    };

    /** The old key is destroyed after the roll has been answered. */
    const until = async (isSo: () => boolean) => {
      for (const end = Date.now() + PATIENCE_MS; !isSo(); await pause(100))
        assert.ok(Date.now() < end, `never ${isSo}`);
    };

    /** The daemon, as its unit runs it, until the test ends. */
    const daemon = async (t: TestContext) => {
      const { machine, far } = stage;
      const since = far.log.entries.length;
      machine.sh('install -d -o newleaf /run/cred && install -o newleaf -m 400 /etc/newleaf/pin /run/cred/hsm-pin');
      const [file = '', ...args] = machine.argv(['newleaf', 'run'], 'newleaf');
      const env = { ...environment(), CREDENTIALS_DIRECTORY: '/run/cred' };
      const child = spawn(file, args, { env, stdio: 'ignore' });
      const ended = once(child, 'exit');
      t.after(async () => {
        child.kill('SIGTERM');
        await ended;
      });
      await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    };

    /** A program on the Azure SDK with its session, as it runs on the gateway. */
    const program = async (t: TestContext, identity: ClientIdentity) => {
      const { far } = stage;
      const { assignedHub } = (await register(far.endpoints, ID, identity)) as { assignedHub: string };
      const client = await openHub(far.endpoints, assignedHub, ID, identity);
      t.after(() => client.close());
      return { hub: assignedHub, client };
    };

    test('from a key and a leaf in files: no refusal, a way back, and the first roll ends the copy', async (t) => {
      const { far, machine } = stage;
      const old = await far.clientIdentity(ID);
      place(old);
      const { hub } = await program(t, old);
      const mark = far.log.entries.length;
      const { code, out, err } = await init(
        '--adopt',
        LEAF,
        '--adopt-key',
        KEY,
        ...where(),
        ...issuer(),
        '--new-token',
        'softhsm',
      );
      assert.equal(code, 0, `${out}${err}`);
      assert.match(out.replaceAll(/\s+/g, ' '), /A copy of the key \/root\/leaf\.key is in the token, as "newleaf-a"/);
      assert.match(out.replaceAll(/\s+/g, ' '), /The way back is to stop newleaf/);
      const seen = far.log.since(mark);
      assert.deepEqual(
        seen.filter(({ event }) => event === 'refused' || event === 'issued'),
        [],
      );
      assert.deepEqual(
        seen.flatMap(({ event, code = 0 }) => (event === 'connack' && code !== 0 ? [code] : [])),
        [],
      );
      assert.deepEqual(
        seen.flatMap(({ event, thumbprint }) => (event === 'register' ? [thumbprint] : [])),
        [old.thumbprint],
      );
      const dropped = seen.find(({ event }) => event === 'disconnected');
      const connected = seen.find(({ event }) => event === 'connected');
      const gap = Math.abs((connected?.at ?? 0) - (dropped?.at ?? 0));
      assert.ok(gap < 500, `without a session for ${gap} ms`);
      t.diagnostic(`without a session for ${gap.toFixed(1)} ms`);
      assert.deepEqual(privateKeys(), ['newleaf-a']);

      const keys = await machine.newleaf(['check', 'keys']);
      assert.match(keys.out.replaceAll(/\s+/g, ' '), /newleaf-a: ec-p256, .* NOT protected .* `newleaf roll`/);
      const again = await openHub(far.endpoints, hub, ID, old);
      await again.close();

      await daemon(t);
      const rolled = await machine.newleaf(['roll', '--wait']);
      assert.equal(rolled.code, 0, `${rolled.out}${rolled.err}`);
      await until(() => privateKeys().join() === 'newleaf-b');
      await assert.rejects(openHub(far.endpoints, hub, ID, old), 'the way back has ended');
      assert.equal(machine.sh(`cat ${KEY}`), old.key, 'newleaf deletes only what it has made');
      assert.doesNotMatch(machine.sh('cat /etc/newleaf/newleaf.toml'), /^key =/m);
    });

    test('a person is asked to stop the old program last; given up before the roll, the copy goes', async (t) => {
      const { far, machine } = stage;
      const old = await far.clientIdentity(ID);
      place(old);
      const { client } = await program(t, old);
      const mark = far.log.entries.length;
      const flags = ['--adopt', LEAF, '--adopt-key', KEY, ...where(), ...issuer(), ...stage.flags.slice(14)];
      const person = stage.person(t, ...flags, '--new-token', 'softhsm');
      await person.answers('Renew a leaf at', '');
      await person.answers('Name of the new token', '');
      await person.answers('PIN for it', '');
      await person.sees('Now stop the program that has used this identity');
      await person.sees('Is it stopped?');
      assert.deepEqual(
        far.log.since(mark).filter(({ server }) => server === 'hub1' || server === 'hub2'),
        [],
        'it has its session until then',
      );
      await client.close();
      const stopped = performance.timeOrigin + performance.now();
      person.types('\r');
      await person.sees('The way back is to stop newleaf');
      await person.ends(0);
      const { at } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
      t.diagnostic(`without a session for ${(at - stopped).toFixed(0)} ms\n${person.transcript}`);
      assert.ok(at - stopped < 10_000);

      const { code, out, err } = await machine.newleaf(['decommission', '--yes']);
      assert.equal(code, 0, `${out}${err}`);
      assert.deepEqual(privateKeys(), []);
      assert.equal(machine.sh('ls /var/lib/newleaf'), 'state.json\n');
      assert.equal(machine.sh(`cat ${KEY}`), old.key);
    });

    test('what does not fit is told in a sentence, and nothing is touched', async () => {
      const { far, machine } = stage;
      const [good, other] = [await far.clientIdentity(ID), await far.clientIdentity(ID)];
      const expired = await far.clientIdentity(ID, { lifetimeMs: -DAY });
      const secret = machine.sh(`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x`);
      const rows: readonly (readonly [cert: string, key: string, more: readonly string[], sentence: RegExp])[] = [
        [good.cert, other.key, [], /NL-LEAF-KEY \S+ is not the leaf of the key \S+ expected/],
        [
          good.cert,
          good.key,
          ['--registration-id', 'gw-0002'],
          /NL-LEAF-CN .* expected the CN "gw-0002"; delivered was "gw-0001"/,
        ],
        [expired.cert, expired.key, [], /NL-LEAF-VALIDITY .* the delivered leaf ends at/],
        [good.cert, secret, [], /NL-CONFIG \/root\/leaf\.key: its private key is encrypted/],
        [good.cert, good.cert, [], /NL-CONFIG \/root\/leaf\.key: there is no private key in it/],
        ['nothing', good.key, [], /NL-CONFIG \/root\/leaf\.pem: there is no certificate in it/],
      ];
      const fits = ['--adopt', LEAF, '--adopt-key', KEY, ...where(), ...issuer(), '--new-token', 'softhsm'];
      for (const [cert, key, more, sentence] of rows) {
        place({ cert, key });
        const { code, err } = await init(...fits, ...more);
        assert.notEqual(code, 0);
        assert.match(err.replaceAll(/\s+/g, ' '), sentence);
        assert.match(err.replaceAll(/\s+/g, ' '), /Nothing was touched\./);
      }
      const missing = await init('--adopt', '/root/none.pem', ...where());
      assert.match(
        missing.err.replaceAll(/\s+/g, ' '),
        /The leaf \/root\/none\.pem cannot be read: there is no such file\./,
      );
      assert.equal(machine.sh('ls /var/lib/softhsm/tokens; ls /etc/newleaf | grep -E "toml|^pin" || true'), '');
      place(good);
      const taken = await init(...fits);
      assert.equal(taken.code, 0, taken.err);
    });

    test('from aziot-identity-service with its key in a token: the key is used, and stays', async (t) => {
      const { far, machine } = stage;
      const old = await far.clientIdentity(ID);
      place(old);
      machine.sh(`${AS_DAEMON} softhsm2-util --init-token --free --label aziot --pin 4711 --so-pin 47114711`);
      machine.sh(
        `install -o newleaf ${KEY} /tmp/key && ${AS_DAEMON} softhsm2-util --import /tmp/key --token aziot --label device-key --id 77 --pin 4711; rm /tmp/key`,
      );
      machine.sh('mkdir -p /etc/aziot');
      machine.write(
        '/etc/aziot/config.toml',
        aziotConfig(far.endpoints, ID, LEAF, 'pkcs11:token=aziot;object=device-key?pin-value=4711'),
        0o600,
      );
      const { hub } = await program(t, old);
      const mark = far.log.entries.length;
      const { code, out, err } = await init('--adopt', 'aziot', '--trust-ca', '/etc/newleaf/trust.pem');
      assert.equal(code, 0, `${out}${err}`);
      const said = out.replaceAll(/\s+/g, ' ');
      assert.match(said, /newleaf does not take over: !! IoT Edge with all its modules/);
      assert.match(said, /sudo iotedge system restart/);
      assert.match(said, /begins with the key "device-key", which is never destroyed/);
      const registered = far.log
        .since(mark)
        .flatMap(({ event, thumbprint }) => (event === 'register' ? [thumbprint] : []));
      assert.deepEqual(registered, [old.thumbprint]);
      assert.equal(
        far.log.since(mark).filter(({ event, code: connack = 0 }) => event === 'connack' && connack !== 0).length,
        0,
      );
      const toml = machine.sh('cat /etc/newleaf/newleaf.toml');
      assert.match(toml, /^key = "pkcs11:object=device-key;id=%77"/m);
      assert.doesNotMatch(toml, /4711|est-secret/);
      await (await openHub(far.endpoints, hub, ID, old)).close();

      await daemon(t);
      const rolled = await machine.newleaf(['roll', '--wait']);
      assert.equal(rolled.code, 0, `${rolled.out}${rolled.err}`);
      await until(() => privateKeys('aziot').join() === 'device-key,newleaf-a');
    });

    test('from a factory key in the token: it is found by its certificate, and offered', async (t) => {
      const { far, machine } = stage;
      const old = await far.clientIdentity(ID);
      place(old);
      machine.sh(`${AS_DAEMON} softhsm2-util --init-token --free --label mine --pin 4711 --so-pin 47114711`);
      machine.sh(
        `install -o newleaf ${KEY} /tmp/key && ${AS_DAEMON} softhsm2-util --import /tmp/key --token mine --label factory --id 77 --pin 4711; rm /tmp/key`,
      );
      machine.sh(
        `openssl x509 -in ${LEAF} -outform DER -out /tmp/der && ${AS_DAEMON} pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label mine --login --pin 4711 --write-object /tmp/der --type cert --label factory --id 77 >/dev/null 2>&1`,
      );
      machine.write('/root/pin', '4711\n', 0o600);
      const other = await init(
        '--adopt',
        'token',
        ...where(),
        ...issuer(),
        '--registration-id',
        'gw-0009',
        '--pin-file',
        '/root/pin',
      );
      assert.match(
        other.err.replaceAll(/\s+/g, ' '),
        /The token has no key with a certificate for gw-0009\. .*delivered was "gw-0001"/,
      );

      const flags = [
        ...where(),
        ...issuer(),
        '--registration-id',
        ID,
        '--token',
        'mine',
        '--pin-file',
        '/root/pin',
        ...stage.flags.slice(14),
      ];
      const person = stage.person(t, ...flags);
      await person.answers('Renew a leaf at', '');
      await person.answers(/There is a key "factory"\s+with a certificate\s+for gw-0001/, '');
      await person.sees('Connected to');
      await person.ends(0);
      t.diagnostic(`\n${person.transcript}`);
      assert.equal(far.log.matching({ event: 'register', thumbprint: old.thumbprint }).length, 1);
      assert.match(machine.sh('cat /etc/newleaf/newleaf.toml'), /^key = "pkcs11:object=factory;id=%77"/m);
    });
  });
}
