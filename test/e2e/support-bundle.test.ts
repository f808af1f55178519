import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../unit/state/disk.ts';
import type { Gateway } from './stage/gateway.ts';
import { serving } from './stage/site.ts';

const PIN = 'pin-81f5c0de7a';
const PASSWORD = 'est/pass+word 7f"3ä';
const USERNAME = 'private-user-11d0';
const KEY = execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout'], { encoding: 'utf8' });
const [, KEY_LINE = ''] = KEY.match(/KEY-----\n(.{64})\n/) ?? [];
const SAS_KEY = Buffer.from('a symmetric key of 32 bytes, yes').toString('base64');

/** What must not be in the bundle, whatever it looks like there. */
const SECRETS: Readonly<Record<string, string>> = {
  PIN,
  password: PASSWORD,
  'user name': USERNAME,
  'bootstrap key': KEY_LINE,
  'SAS key': SAS_KEY,
  payload: 'planted-payload-5c',
  argument: 'planted-argument-9e',
  environment: 'planted-environment-77',
  comment: 'planted-comment-31',
  'password in a URL': 'planted-url-0b',
  'word after a leaf': 'planted-after-leaf-2a',
};

/** As it is, in JSON, in a URL, in hex, and in base64 wherever it begins; without the digits that its neighbours share. */
function shapesOf(secret: string): readonly string[] {
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)])
      .toString('base64')
      .slice(4, -4),
  );
  const hex = Buffer.from(secret).toString('hex');
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), hex, hex.toUpperCase(), ...base64];
}

/** As programs write it down that mean no harm. */
function encodingsOf(secret: string): readonly string[] {
  const base64 = ['', 'x', 'xy', 'user:'].map((before) => Buffer.from(`${before}${secret}`).toString('base64'));
  const hex = Buffer.from(secret).toString('hex');
  return [JSON.stringify(secret), encodeURIComponent(secret), hex, hex.toUpperCase(), ...base64];
}

/** Programs of the machine that print every secret. */
function leakyMachine(t: TestContext): string {
  const bin = scratch(t);
  const basic = Buffer.from(`${USERNAME}:${PASSWORD}`).toString('base64');
  const lines = [
    ...Object.values(SECRETS).filter((secret) => !secret.startsWith('planted')),
    ...[PIN, PASSWORD, KEY_LINE].flatMap(encodingsOf),
    `Authorization: Basic ${basic}`,
    `fetched with ${basic}`,
    `--password ${SECRETS.argument} --owner=${SECRETS.payload}`,
    `https://someone:${SECRETS['password in a URL']}@ca.example.com/est`,
    `SharedAccessSignature sr=hub&sig=${encodeURIComponent(SAS_KEY)}&se=1`,
    JSON.stringify({ message: KEY, password: SECRETS.environment }),
    `SECRET_OF_SOMEBODY=${SECRETS.environment}`,
    KEY,
  ];
  writeFileSync(join(bin, 'all'), lines.map((line) => `Nov 25 gw newleaf[4711]: ${line}\n`).join(''));
  for (const program of ['journalctl', 'systemctl', 'timedatectl', 'ip', 'dpkg-query']) {
    writeFileSync(join(bin, program), `#!/bin/sh\necho "${program} $*"\ncat ${bin}/all\necho "end of ${program}"\n`);
    chmodSync(join(bin, program), 0o755);
  }
  return bin;
}

/** Makes a bundle and unpacks it; the files by name. */
async function bundleOf(
  gateway: Gateway,
  t: TestContext,
): Promise<{ readonly out: string; readonly files: Map<string, string> }> {
  const place = scratch(t);
  const path = join(place, 'it.tar.gz');
  const { code, out, err } = await gateway.command('support-bundle', '-o', path);
  assert.deepEqual([code, err], [0, '']);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  execFileSync('tar', ['-xzf', path], { cwd: place });
  const [directory = ''] = readdirSync(place).filter((name) => name !== 'it.tar.gz');
  assert.match(directory, /^newleaf-support-gw-0001-\d{8}T\d{6}Z$/);
  const names = readdirSync(join(place, directory));
  return { out, files: new Map(names.map((name) => [name, readFileSync(join(place, directory, name), 'utf8')])) };
}

function assertNoSecret(files: ReadonlyMap<string, string>): void {
  for (const [name, text] of files) {
    for (const [what, secret] of Object.entries(SECRETS)) {
      for (const shape of shapesOf(secret)) {
        const at = text.indexOf(shape);
        assert.equal(at, -1, `${what} is in ${name}: …${text.slice(at - 60, at + 80)}…`);
      }
    }
  }
}

test('support-bundle', async (t) => {
  const bin = leakyMachine(t);
  const runner = ['env', `PATH=${bin}:${process.env.PATH}`, `SECRET_OF_SOMEBODY=${SECRETS.environment}`];
  const { gateway } = await serving(t, { pin: PIN, runner });
  const { stateDirectory } = gateway;
  // The far side knows neither of them: they are there from now on.
  const settings = readFileSync(gateway.configuration, 'utf8')
    .replace(/^issuer\.est\.username = .*$/m, `issuer.est.username = "${USERNAME}" # ${SECRETS.comment}`)
    .replace(
      /^issuer\.est\.password_file = .*$/m,
      `issuer.est.password_file = ${gateway.file('secret', PASSWORD, 0o600)}`,
    )
    .concat(`dps.payload = { owner = "${SECRETS.payload}" }\n`)
    .concat(`issuer.est.bootstrap_cert = "${stateDirectory}/leaf.pem"\n`)
    .concat(`issuer.est.bootstrap_key = ${gateway.file('bootstrap.key', KEY, 0o600)}\n`)
    .concat(`issuer.command.argv = ["/usr/bin/sign", "--password", "${SECRETS.argument}"]\n`);
  writeFileSync(gateway.configuration, settings);
  const leaf = readFileSync(join(stateDirectory, 'leaf.pem'), 'utf8');
  writeFileSync(join(stateDirectory, 'leaf.pem'), `${leaf}\n${SECRETS['word after a leaf']}\n${KEY}`);

  await t.test('with the daemon: everything is there, and nothing secret', async (t) => {
    const { out, files } = await bundleOf(gateway, t);
    assertNoSecret(files);
    const has = (name: string, what: RegExp) => assert.match(files.get(name) ?? `there is no ${name}`, what);
    has('configuration.txt', /registration_id = "gw-0001"/);
    has('status.txt', /gw-0001: serving with the current leaf, online[\s\S]*\(exit code 0\)/);
    assert.equal(JSON.parse(files.get('status.json') ?? '').online, true);
    const { checks } = JSON.parse(files.get('check.json') ?? '');
    const outcome = (wanted: string) => checks.find(({ id }: { id: string }) => id === wanted)?.outcome;
    assert.deepEqual([outcome('leaf-key'), outcome('dps-reach')], ['ok', 'ok']);
    const { entry } = JSON.parse(files.get('state.json') ?? '');
    assert.ok(entry.at.current.hub);
    assert.ok(entry.trail.length > 3);
    assert.equal(entry.current.chain, undefined);
    assert.equal(files.get('leaf.pem'), leaf);
    has('chain.pem', /^-----BEGIN CERTIFICATE-----\n/);
    has('metrics.txt', /^newleaf_online 1$/m);
    has('log.txt', /^journalctl --unit=newleaf [\s\S]*\[redacted\][\s\S]*end of journalctl/);
    has('unit.txt', /systemctl show newleaf\.service --property=/);
    has('versions.txt', /"openssl": "\d[\s\S]*libsofthsm2\.so is .*, \d+ bytes/);
    const { bsize, blocks } = statfsSync(gateway.stateDirectory);
    const all = Math.floor((blocks * bsize) / 2 ** 20);
    has('resources.txt', new RegExp(`of ${all} MiB are free[\\s\\S]*MemTotal`));
    has('time.txt', /timedatectl show/);
    has('network.txt', /ip route/);
    has('files.txt', /^-0600 .* state\.json$/m);
    for (const name of files.keys()) if (name !== 'contents.txt') has('contents.txt', new RegExp(`^${name} `, 'm'));
    assert.match(out, /^\/.*it\.tar\.gz\n\n {2}configuration\.txt /);
    assert.match(out, /Send it to/);
  });

  await gateway.stop();

  await t.test('without the daemon, a state file that is damaged, and a configuration that is wrong', async (t) => {
    writeFileSync(join(stateDirectory, 'state.json'), `{"format":2,"entry":{"password":"${SECRETS.environment}"`);
    writeFileSync(join(stateDirectory, 'chain.pem'), KEY);
    writeFileSync(
      gateway.configuration,
      `${settings}issuer.est.secret = "${SECRETS.comment}"\ndps.endpoint = "https://someone:${SECRETS['password in a URL']}@dps"\n`.replace(
        /^dps\.endpoint = "(?!https).*\n/m,
        '',
      ),
    );
    const { out, files } = await bundleOf(gateway, t);
    assertNoSecret(files);
    assert.match(files.get('configuration.txt') ?? '', /^# .*issuer\.est\.secret is not a setting/m);
    assert.match(files.get('status.txt') ?? '', /NL-CONFIG[\s\S]*exit code 2/);
    assert.match(files.get('state.json') ?? '', /It is no JSON[\s\S]*"format":2/);
    assert.match(files.get('status.json') ?? '', /This could not be collected\. The daemon does not run/);
    assert.match(out, /metrics\.txt .*The daemon does not run/s);
    assert.match(files.get('log.txt') ?? '', /end of journalctl/);
  });

  await t.test('never over a file that is there', async (t) => {
    const path = join(scratch(t), 'precious');
    writeFileSync(path, 'precious');
    const { code, err } = await gateway.command('support-bundle', '-o', path);
    assert.equal(code, 1);
    assert.match(
      err,
      /^NL-STATE-WRITE \S+ is there already, and the bundle\s+overwrites\s+nothing\.\n.*Name a new file/,
    );
    assert.equal(readFileSync(path, 'utf8'), 'precious');
    assert.ok(existsSync(path));
  });
});
