import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { COMMANDS } from '../../../scripts/enrollment/commands.ts';
import { Authority } from '../../simulator/ca.ts';
import { onPaper } from './paper.ts';

const SECRET = 'c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU=';
const elsewhere = `HostName=nowhere.invalid;SharedAccessKeyName=owner;SharedAccessKey=${SECRET}`;
const env = { NEWLEAF_DPS_CONNECTION: elsewhere, NEWLEAF_HUB_CONNECTION: elsewhere };

let directory: string;
const file = (name: string): string => join(directory, name);
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'enroll-usage-'));
  const ca = await Authority.create('ca');
  const texts = {
    'leaf.pem': (await ca.clientIdentity('gw-1')).cert,
    'expired.pem': (await ca.clientIdentity('gw-1', { lifetimeMs: -1_000 })).cert,
    'root.pem': ca.rootPem,
    'issuer.pem': ca.issuerPem,
    'notes.txt': 'no certificate in here',
    'garbage.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  };
  await Promise.all(Object.entries(texts).map(([name, text]) => writeFile(file(name), text)));
});
after(() => rm(directory, { recursive: true }));

/** Words with a `/` in front name a file of the directory; '' is an empty word. */
const argvOf = (line: string): string[] =>
  line
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => (word === "''" ? '' : word.startsWith('/') ? file(word.slice(1)) : word));

describe('a wrong command line ends with 2, says why, and asks nobody', () => {
  const rows: readonly (readonly [line: string, told: RegExp])[] = [
    ['adopt', /no command "adopt".*enroll help/],
    ['add', /several commands .*: add individual \| add group/],
    ['remove-current', /primary \| remove-current secondary \| remove-current both/],
    ['show device', /Usage: enroll show device ID/],
    ['show device a b', /Usage: enroll show device ID/],
    ["forget ''", /Usage: enroll forget DEVICE/],
    ["promote ''", /Usage: enroll promote \[ID\.\.\.\]/],
    ['promote', /Which enrollments\? Their IDs, or --where CONDITION/],
    ['set-secondary gw-1 --where * --from-device', /Which enrollments\?/],
    ['set-secondary gw-1 gw-2 --certificate /leaf.pem', /have several certificates: add --from-device/],
    ['set-secondary --where *', /add --from-device/],
    [
      'set-secondary gw-1 gw-2 --from-device --certificate /leaf.pem',
      /--from-device and --certificate exclude each other/,
    ],
    ['remove-current both gw-1 gw-2 --from-device', /Usage: enroll remove-current both ID/],
    ["reprovision gw-1 ''", /Usage: enroll reprovision/],
    ['forget gw-1 --now', /no option "--now"/],
    ['add individual', /--certificate FILE/],
    ['add individual --certificate /none.pem', /none\.pem cannot be read: there is no such file or directory\. $/],
    ['add individual --certificate /notes.txt', /holds no certificate/],
    ['add individual --certificate /garbage.pem', /garbage\.pem cannot be read/],
    ['add individual --certificate /root.pem', /is a CA certificate/],
    ['add individual --certificate /expired.pem', /has expired/],
    ['add individual gw-2 --certificate /leaf.pem', /has the CN gw-1, and the registration ID is gw-2/],
    ['add individual --certificate /leaf.pem --policy always', /--policy is one of migrate, reset, never/],
    ['add group g', /--certificate FILE, or --ca NAME/],
    ['add group g --certificate /leaf.pem', /is no CA certificate/],
    ['add group g --certificate /root.pem --ca root', /exclude each other/],
    ['reprovision', /Which devices\?/],
    ['reprovision gw-1 --job *', /Which devices\?/],
    ['reprovision gw-1 --retry /notes.txt', /Which devices\?/],
    ['reprovision --retry /notes.txt', /is not a report of enroll reprovision/],
    ['reprovision --retry /none.json', /none\.json cannot be read: there is no such file or directory\. $/],
    ['reprovision --retry /notes.txt --action roll', /leave --action out/],
    ['reprovision --look enroll-1', /"enroll-1" is no request of enroll/],
    ['fleet --days soon', /--days is a number of days, 0 or more, not "soon"/],
    ['list devices --days 1.5', /--days is a number of days, 0 or more, not "1.5"/],
    ["list devices --where ''", /^The condition of --where is empty\. For all devices, leave --where out\. $/],
    ["fleet --where ''", /^The condition of --where is empty\./],
    ['reprovision gw-1 --action renew', /--action is one of register, roll/],
    ['reprovision gw-1 --delay soon', /--delay is a number of seconds/],
    ['reprovision gw-1 --wait -1', /^--wait is a number of seconds from 0 to 86400, not "-1"\. $/],
    ['fleet --days -1', /^--days is a number of days, 0 or more, not "-1"\. $/],
  ];
  for (const [line, told] of rows) {
    test(line, async () => {
      const { code, out, said } = await onPaper(argvOf(line), { env });
      assert.match(said, told);
      assert.deepEqual([code, out], [2, '']);
    });
  }
});

describe('a connection string that is missing or none', () => {
  const rows = [
    ['show group g', {}, /of DPS is missing: --dps or NEWLEAF_DPS_CONNECTION/],
    ['forget gw-1', {}, /of the hub is missing: --hub or NEWLEAF_HUB_CONNECTION/],
    ['show group g', { NEWLEAF_DPS_CONNECTION: SECRET }, /must hold HostName=/],
    [
      'forget gw-1',
      { NEWLEAF_HUB_CONNECTION: 'my-dps.azure-devices-provisioning.net' },
      /^--hub or NEWLEAF_HUB_CONNECTION is that of DPS, not of the hub\. $/,
    ],
    [
      'show group g',
      { NEWLEAF_DPS_CONNECTION: `HostName=h.azure-devices.cn;SharedAccessKeyName=o;SharedAccessKey=${SECRET}` },
      /^--dps or NEWLEAF_DPS_CONNECTION is that of the hub, not of DPS\. $/,
    ],
    ['forget gw-1', { NEWLEAF_HUB_CONNECTION: `HostName=a;SharedAccessKey=${SECRET}` }, /must hold HostName=/],
  ] as const;
  for (const [line, wrong, told] of rows) {
    test(`${line} ${JSON.stringify(Object.keys(wrong))}`, async () => {
      const { code, err, said } = await onPaper(argvOf(line), { env: wrong });
      assert.match(said, told);
      assert.equal(code, 2);
      assert.ok(!err.includes(SECRET));
    });
  }
});

test('nobody there: 1, in words, and the key is not shown', async () => {
  for (const line of ['show group g', 'forget gw-1', 'reprovision gw-1']) {
    const { code, out, err, said } = await onPaper(argvOf(line), { env });
    assert.equal(code, 1);
    assert.match(said, /cannot be reached: its name cannot be resolved/);
    assert.ok(!`${out}${err}`.includes(SECRET));
  }
});

test('a defect: 1, where it is, and what to do with it', async () => {
  const now = () => {
    throw new TypeError('the clock is broken');
  };
  const { code, said } = await onPaper(argvOf('add individual --certificate /leaf.pem'), { env, now });
  assert.match(said, /^A defect in enroll\. \(TypeError: the clock is broken at .*\) -> Please report it/);
  assert.equal(code, 1);
});

describe('help', () => {
  test('without a command: all of them, and 2', async () => {
    const { code, out, err } = await onPaper([]);
    assert.deepEqual([code, out], [2, '']);
    for (const name of Object.keys(COMMANDS)) assert.ok(err.includes(`  ${name} `), name);
  });
  test('asked for, it ends with 0', async () => assert.equal((await onPaper(['--help'])).code, 0));
  for (const [name, { examples, meaning }] of Object.entries(COMMANDS)) {
    test(`of ${name}`, async () => {
      const { code, out } = await onPaper([...name.split(' '), '--help']);
      assert.equal(code, 0);
      assert.ok(
        out.replaceAll(/\s+/g, ' ').includes(meaning) && examples.every(({ line }) => out.includes(`  ${line}`)),
      );
      assert.ok(
        out.split('\n').every((line) => line.length <= 80),
        out,
      );
      assert.ok(examples.length > 0 && examples.every(({ line }) => line.startsWith(`enroll ${name}`)));
    });
  }
});

test('scripts/enroll speaks of itself by the name that it was called by', () => {
  const root = join(import.meta.dirname, '..', '..', '..');
  const scripts = join(root, 'scripts');
  const path = `${scripts}:${process.env.PATH}`;
  const rows: readonly (readonly [called: string, cwd: string, typed?: string])[] = [
    ['scripts/enroll', root],
    ['scripts/enroll', root, join(scripts, 'enroll')],
    ['./enroll', scripts],
    ['enroll', directory],
  ];
  for (const [called, cwd, typed = called] of rows) {
    const { status, stderr } = spawnSync('sh', ['-c', `${typed} adopt`], {
      cwd,
      env: { ...process.env, ...(typed === called && { PATH: path }) },
      encoding: 'utf8',
    });
    assert.equal(status, 2);
    assert.equal(stderr, `${called} has no command "adopt". All commands: ${called} help\n`);
  }
});
