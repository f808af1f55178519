import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { Stage } from './stage.ts';

type Row = readonly [options: readonly string[], sentence: RegExp];

const TOKEN = ['--new-token', 'softhsm'];

/** Options that newleaf itself sees to be wrong: they are added to options that are right. */
const SEEN: readonly Row[] = [
  [['--id-scope', '0 ne'], /--id-scope must be the ID scope/],
  [['--registration-id', 'gw 1'], /--registration-id must be 1 to 64 letters/],
  [['--endpoint', 'https://x'], /--endpoint must be a host/],
  [['--trust-ca', '/nowhere.pem'], /--trust-ca must be a file that is there/],
  [['--trust-ca', '/root'], /--trust-ca must be a file: \/root is a directory/],
  [['--transport', 'udp'], /--transport must be one of/],
  [['--proxy', 'socks://x'], /--proxy must be "http:\/\/host:port"/],
  [['--attestation', 'none'], /--attestation must be/],
  [['--attestation', 'tpm', '--tpm-device', 'tpm0'], /--tpm-device must be a device file/],
  [['--issuer', 'nobody'], /--issuer must be one of "est", "inbox", "command", "hub"/],
  [['--issuer', 'command', '--command', '/nowhere/sign'], /--command must be a program: \/nowhere\/sign is not there/],
  [['--est-url', 'http://ca/x'], /--est-url must begin with https:\/\/, not http:\/\//],
  [['--est-url', 'htps://ca/x'], /--est-url must be a URL that begins with https:\/\/, as https:\/\/ca\.example\.com/],
  [['--est-ca', '/nowhere.pem'], /--est-ca must be a file that is there/],
  [['--est-ca', '/etc/newleaf/given-password'], /--est-ca must be a PEM file/],
  [['--est-ca', '/root'], /--est-ca must be a file: \/root is a directory/],
  [
    ['--bootstrap-key', '/etc/newleaf/given-password', '--bootstrap-cert', '/root'],
    /--bootstrap-cert must be a file: \/root is a directory/,
  ],
  [['--bootstrap-cert', '/etc/newleaf/trust.pem'], /--bootstrap-cert needs --bootstrap-key/],
  [['--est-user', ''], /--est-user is needed/],
  [['--est-password-file', '/nowhere'], /--est-password-file must be a file that is there/],
  [
    ['--est-password-file', '/bin/sh'],
    /--est-password-file must be a file with the password alone: \/bin\/sh has more/,
  ],
  [
    ['--bootstrap-key', '/etc/newleaf/given-password', '--bootstrap-cert', '/nowhere.pem'],
    /--bootstrap-cert must be a file that is there/,
  ],
  [['--renew-at', '5%'], /--renew-at must be/],
  [['--renew-at', 'later'], /--renew-at must be a share/],
  [['--timeout', 'soon'], /--timeout must be a duration/],
  [['--new-token', 'card'], /--new-token must be one of tpm, softhsm/],
  [['--token', 'a'.repeat(33)], /--token must be the label of a token/],
  [['--pin-file', '/etc/newleaf/short-pin'], /--pin-file holds a PIN that must be 4 to 255 characters long/],
  [['--pin-file', '/nowhere'], /--pin-file must be a file that is there: there is no \/nowhere/],
  [['--pin-file', '/etc'], /--pin-file must be a file: \/etc is a directory/],
  [['--adopt', '/nowhere.pem'], /The leaf \/nowhere\.pem cannot be read/],
  [['--adopt-key', '/nowhere.key'], /--adopt-key needs its leaf/],
  [['--est-usr', 'gw'], /--est-user/],
];

/** The same about the token, where none is to be made. */
const TOKENS: readonly Row[] = [
  [[], /cannot ask which token to take/],
  [['--token', 'other'], /There is no usable token other\. Tokens here: none/],
  [['--token', 'pkcs11:serial=99'], /There is no usable token pkcs11:serial=99\./],
  [
    ['--token', 'other', '--module', '/nowhere.so'],
    /--module must be a file that is there: there is no \/nowhere\.so\./,
  ],
  [[...TOKEN, '--module', '/etc'], /--module must be a file: \/etc is a directory\./],
  [
    ['--token', 'other', '--module', '/etc/passwd'],
    /--module must be a PKCS#11 module that works: \/etc\/passwd cannot be loaded: /,
  ],
];

/** Options that need only be read. */
const AT_ONCE = ['--issuer', '--renew-at', '--new-token', '--est-url', '--transport', '--endpoint'];

/** On a gateway that has a leaf: what a server has answered, or why none has. */
const TRIED: readonly (readonly [options: readonly string[], exit: number, sentence: RegExp])[] = [
  [['--id-scope', '0ne00000001'], 2, /DPS does not know the ID scope 0ne00000001/],
  [['--est-user', 'nobody'], 2, /NL-EST-AUTH .* does not accept user name and password \(HTTP 401: Basic/],
  [['--est-password-file', '/etc/newleaf/wrong-password'], 2, /NL-EST-AUTH/],
  [['--est-url', '{est}/nowhere'], 2, /NL-EST-REFUSED/],
  [['--est-url', 'https://localhost:9/.well-known/est'], 1, /NL-EST-UNREACHABLE/],
  [['--est-ca', '/etc/newleaf/trust.pem'], 1, /NL-EST-UNTRUSTED/],
  [['--endpoint', 'localhost:9'], 1, /NL-DPS-UNREACHABLE/],
  [['--trust-ca', '/etc/newleaf/est-ca.pem'], 1, /NL-DPS-UNTRUSTED/],
];

if (insideNetworkNamespace(import.meta.filename)) {
  suite('mistakes on the command line of newleaf init --yes', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
      stage.machine.write('/etc/newleaf/wrong-password', 'wrong');
      stage.machine.write('/etc/newleaf/short-pin', '123');
    });
    after(() => stage.close());

    const told = async (options: readonly string[]) => {
      const { code, out, err } = await stage.machine.newleaf(['init', '--yes', ...options]);
      return { code, out, err: err.replaceAll(/\s+/g, ' ') };
    };

    test('2 where newleaf sees it by itself: in the words of the schema, and nothing is written', async () => {
      const rows = [...SEEN.map(([options, sentence]) => [[...TOKEN, ...options], sentence] as const), ...TOKENS];
      // It has to be copied.
      stage.machine.sh('mkdir -m 700 /root/only && cp /etc/newleaf/trust.pem /root/only');
      const flags = stage.flags.map((word) => word.replace('/etc/newleaf/trust.pem', '/root/only/trust.pem'));
      for (const [options, sentence] of rows) {
        const { code, out, err } = await told([...flags, ...options]);
        assert.match(err, sentence, `${options}: ${out}`);
        assert.equal(code, 2, `${options}: ${out}${err}`);
        if (AT_ONCE.includes(options.at(-2) ?? ''))
          assert.equal(out, '', `${options}: before anything is copied or dialled`);
      }
      assert.equal(stage.machine.sh('ls /etc/newleaf | grep toml || true'), '');
    });

    test('on a gateway with a leaf: 2 where a server has said no, 1 where none has answered or is trusted', async () => {
      const line = [...stage.flags, ...TOKEN];
      assert.equal((await told(line)).code, 0);
      const file = () => stage.machine.sh('sha256sum /etc/newleaf/newleaf.toml');
      const before = file();
      const issued = stage.far.log.count({ event: 'issued' });
      for (const [options, exit, sentence] of TRIED) {
        const given = options.map((word) => word.replace('{est}', new URL(stage.far.endpoints.est).origin));
        const { code, out, err } = await told(given);
        assert.match(err, sentence, `${options}: ${out}`);
        assert.equal(code, exit, `${options}: ${err}`);
      }
      assert.equal(file(), before);
      assert.equal((await told(line)).code, 0, 'the same again is right');
      assert.equal(stage.far.log.count({ event: 'issued' }), issued, 'no leaf was asked for');
    });
  });
}
