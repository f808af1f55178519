import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { Line } from '../../../../agent/machine/log.ts';
import { certify } from '../../../../agent/uplink/wire/certify.ts';
import { type LocalCa, openLocalCa } from '../../../../agent/uplink/wire/local-ca.ts';
import { fault, scratch } from '../../state/disk.ts';
import { noting } from './rules.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-26T12:00:00Z');

interface Place {
  readonly lines: readonly Line[];
  readonly directory: string;
  now: number;
  open(names?: readonly string[], earliest?: number): Promise<LocalCa>;
}

function place(t: TestContext): Place {
  const { log, lines } = noting();
  const one: Place = {
    lines,
    directory: join(scratch(t), 'tls'),
    now: NOW,
    async open(names = ['gw-0001.local', '192.168.7.1', 'fd00::7:1'], earliest = 0) {
      const ca = await openLocalCa({ directory: one.directory, names, now: () => one.now, earliest, log });
      writeFileSync(join(one.directory, '..', 'ca.pem'), ca.caPem);
      return ca;
    },
  };
  return one;
}

const openssl = (cwd: string, ...args: readonly string[]) => execFileSync('openssl', args, { cwd, encoding: 'utf8' });

const endOf = ({ caPem }: LocalCa): number => Date.parse(new X509Certificate(caPem).validTo);

const leafOf = (ca: LocalCa): X509Certificate => new X509Certificate(ca.credentials().cert);

describe('the certificates', () => {
  test('as node reads them', async (t) => {
    const ca = await place(t).open();
    const [root, leaf] = [new X509Certificate(ca.caPem), leafOf(ca)];
    assert.equal(root.ca, true);
    assert.equal(leaf.ca, false);
    assert.ok(root.checkIssued(root) && leaf.checkIssued(root));
    assert.ok(root.verify(root.publicKey) && leaf.verify(root.publicKey));
    for (const name of ['localhost', 'gw-0001.local']) assert.equal(leaf.checkHost(name), name);
    for (const address of ['127.0.0.1', '::1', '192.168.7.1', 'fd00::7:1'])
      assert.equal(leaf.checkIP(address), address);
    assert.equal(leaf.checkHost('evil.example'), undefined);
    assert.equal(leaf.checkIP('127.0.0.2'), undefined);
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.match(root.subject, /^CN=newleaf uplink [0-9a-f]{8}$/);
    assert.equal(root.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.equal(Date.parse(leaf.validTo), NOW + 365 * DAY);
    assert.equal(Date.parse(root.validTo), NOW + 20 * 365.25 * DAY);
    assert.notEqual(root.serialNumber, leaf.serialNumber);
  });

  test('as openssl verifies them, strictly, also with a clock of 1970 and one of next year', async (t) => {
    const { directory, open } = place(t);
    const ca = await open();
    writeFileSync(join(directory, 'leaf.pem'), leafOf(ca).toString());
    for (const at of [3_600, NOW / 1_000, NOW / 1_000 + 364 * 86_400]) {
      const common = ['verify', '-x509_strict', '-attime', `${at}`, '-CAfile', '../ca.pem', '-purpose', 'sslserver'];
      for (const name of [
        ['-verify_hostname', 'localhost'],
        ['-verify_ip', '::1'],
      ]) {
        assert.equal(openssl(directory, ...common, ...name, 'leaf.pem'), 'leaf.pem: OK\n');
      }
    }
    const said = openssl(directory, 'x509', '-in', '../ca.pem', '-noout', '-text');
    assert.match(said, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    assert.match(said, /Key Usage: critical\s+Certificate Sign, CRL Sign/);
    const [, subjectId] = /Subject Key Identifier:\s+([0-9A-F:]+)/.exec(said) ?? [];
    const [, authorityId] = /Authority Key Identifier:\s+([0-9A-F:]+)/.exec(said) ?? [];
    assert.ok(subjectId !== undefined && subjectId === authorityId);
  });

  test('whose key is stolen vouches for no other server: openssl and node refuse it', async (t) => {
    const { directory, open } = place(t);
    const ca = await open();
    const root = new X509Certificate(ca.caPem);
    const privateKey = createPrivateKey(readFileSync(join(directory, 'ca.key')));
    const issuer = { subject: root.subject.replace(/^CN=/, ''), publicKey: root.publicKey, privateKey };
    for (const [name, expected] of [
      ['localhost', /^leaf\.pem: OK/],
      ['127.9.9.9', /^leaf\.pem: OK/],
      ['hub.azure-devices.net', /permitted subtree violation/],
      ['192.168.7.2', /permitted subtree violation/],
      ['fd00::7:2', /permitted subtree violation/],
    ] as const) {
      const { publicKey } = root;
      const pem = certify({ subject: 'x', publicKey, issuer, notAfter: NOW + DAY, names: [name], isCa: false });
      writeFileSync(join(directory, 'leaf.pem'), pem);
      const line = ['verify', '-attime', `${NOW / 1_000}`, '-CAfile', '../ca.pem', 'leaf.pem'];
      const { stdout, stderr } = spawnSync('openssl', line, { cwd: directory, encoding: 'utf8' });
      assert.match(`${stdout}${stderr}`, expected);
    }
  });

  test('a CA that ends after 2049 has a date that openssl reads', async (t) => {
    const one = place(t);
    one.now = Date.parse('2031-03-01T00:00:00Z');
    const ca = await one.open();
    assert.equal(new Date(endOf(ca)).getUTCFullYear(), 2051);
    const said = openssl(one.directory, 'x509', '-in', '../ca.pem', '-noout', '-enddate');
    assert.match(said, /notAfter=Mar {2}1 00:00:00 2051 GMT/);
  });
});

describe('the files', () => {
  test('private keys are private', async (t) => {
    const { directory, open } = place(t);
    const ca = await open();
    const modes = readdirSync(directory).map((name) => [
      name,
      (statSync(join(directory, name)).mode & 0o777).toString(8),
    ]);
    assert.deepEqual(modes.sort(), [['ca.key', '600']]);
    assert.doesNotMatch(ca.caPem, /PRIVATE/);
  });

  test('the next start finds the CA, writes nothing, and shows a leaf of its own', async (t) => {
    const { directory, open } = place(t);
    const first = await open();
    const stat = () => readdirSync(directory).map((name) => statSync(join(directory, name), { bigint: true }).mtimeNs);
    const before = stat();
    const second = await open();
    assert.notEqual(leafOf(second).serialNumber, leafOf(first).serialNumber);
    assert.equal(second.caPem, first.caPem);
    assert.deepEqual(stat(), before);
  });

  for (const [what, text] of [
    ['empty', ''],
    ['cut off', undefined],
    ['another text', 'hello'],
  ] as const) {
    test(`a CA that is ${what} is never replaced`, async (t) => {
      const { directory, open } = place(t);
      await open();
      const file = join(directory, 'ca.key');
      writeFileSync(file, text ?? readFileSync(file, 'latin1').slice(0, 400));
      const before = readFileSync(file, 'latin1');
      await assert.rejects(open(), fault('NL-UPLINK-SOCKET', /The CA of the TLS port cannot be read from .*ca\.key/));
      assert.equal(readFileSync(file, 'latin1'), before);
    });
  }
});

test('a CA whose certificate has a wrong bit is told, not shown', async (t) => {
  const { directory, open } = place(t);
  await open();
  const file = join(directory, 'ca.key');
  const text = readFileSync(file, 'latin1');
  // In the signature.
  const at = text.lastIndexOf('-----END') - 20;
  writeFileSync(file, `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`);
  await assert.rejects(open(), fault('NL-UPLINK-SOCKET', /The CA of the TLS port cannot be read from .*ca\.key/));
});

describe('renewal', () => {
  test('with less than a third of its life left, while it serves', async (t) => {
    const one = place(t);
    const ca = await one.open();
    const first = ca.credentials();
    one.now += 243 * DAY;
    assert.equal(ca.credentials(), first);
    one.now += DAY;
    const second = ca.credentials();
    assert.notEqual(second, first);
    assert.equal(ca.credentials(), second);
    assert.equal(Date.parse(leafOf(ca).validTo), one.now + 365 * DAY);
  });

  test('when the names are others; the CA stays, and a name that it may not vouch for is left out and said', async (t) => {
    const one = place(t);
    const first = await one.open(['gw-0001.local', '10.0.0.1']);
    for (const [names, count] of [
      [['gw-0001.local'], 4],
      [['gw-0002.local', '10.0.0.1', '10.0.0.2'], 4],
      [[], 3],
    ] as const) {
      const ca = await one.open(names);
      assert.equal(ca.caPem, first.caPem);
      assert.equal(leafOf(ca).subjectAltName?.split(', ').length, count);
    }
    assert.deepEqual(
      one.lines.map(({ event, message }) => [event, message]),
      [
        [
          'uplink-ca',
          'The CA of the TLS port may not vouch for gw-0002.local, 10.0.0.2: programs must connect to another name.',
        ],
      ],
    );
    // Names that are there anyhow, and upper case, change nothing.
    const [lower, upper] = [
      await one.open(['gw-0001.local']),
      await one.open(['GW-0001.local', 'localhost', '127.0.0.1']),
    ];
    assert.equal(leafOf(lower).subjectAltName, leafOf(upper).subjectAltName);
  });

  test('a first start with a clock of 1970 makes a CA that lasts, and a leaf that is renewed when the clock is right', async (t) => {
    const built = Date.parse('2026-06-01T00:00:00Z');
    const one = place(t);
    one.now = 60_000;
    const ca = await one.open([], built);
    assert.equal(new Date(endOf(ca)).getUTCFullYear(), 2046);
    assert.equal(Date.parse(leafOf(ca).validTo), built + 365 * DAY);
    const first = ca.credentials();
    one.now = built + 300 * DAY;
    assert.notEqual(ca.credentials(), first);
    assert.equal(Date.parse(leafOf(ca).validTo), one.now + 365 * DAY);
    // From the source there is no build date.
    const other = place(t);
    other.now = 60_000;
    const early = await other.open([], 0);
    assert.equal(new Date(endOf(early)).getUTCFullYear(), 2046);
    other.now = NOW;
    assert.ok(Date.parse(leafOf(early).validTo) > NOW);
  });

  test('a leaf ends with its CA, and is not made again at each connection then', async (t) => {
    const one = place(t);
    const ca = await one.open();
    one.now = endOf(ca) - 30 * DAY;
    const last = ca.credentials();
    assert.equal(Date.parse(leafOf(ca).validTo), endOf(ca));
    assert.equal(ca.credentials(), last);
  });
});
