import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { configPath, loadConfig, parseConfig, printConfig, settingRows, x509Of } from '../../../agent/config/config.ts';
import { termsOf } from '../../../agent/config/terms.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { settingsList } from '../../../scripts/pages/tables.ts';
import { complaints } from './complaints.ts';
import { LEAST } from './least.ts';

const TPM = `
[dps]
id_scope = "0ne00000000"
registration_id = "gw-0001"
attestation = "tpm"
`;

const EST = `${LEAST.replace('inbox', 'est')}
[issuer.est]
url = "https://ca.example.com/.well-known/est"
ca_file = "/etc/newleaf/est-ca.pem"
`;

test('uplink.rate: no more than newleaf can send', () => {
  assert.deepEqual(complaints(`${LEAST}[uplink]\nrate = 1000\n`), []);
  assert.match(complaints(`${LEAST}[uplink]\nrate = 1001\n`).join(), /uplink\.rate.*1 to 1000/);
});

test('the least configuration is filled up with defaults, parsed', () => {
  const config = x509Of(parseConfig(LEAST, 'FILE').config);
  assert.equal(config.dps.endpoint, 'global.azure-devices-provisioning.net');
  assert.deepEqual(config.leaf, { key_type: undefined, rotate_key: true, renew_at: { share: 0.66 } });
  assert.deepEqual(config.issuer, { kind: 'inbox' });
  assert.deepEqual(config.limits, { requests_per_hour: 20, burst: 10, min_roll_interval: 30_000 });
  assert.equal(config.hsm.pin_file, undefined);
});

test('by a TPM there is neither token nor leaf', () => {
  const { config, effective } = parseConfig(TPM, 'FILE');
  const sections = ['control', 'dps', 'limits', 'log', 'network', 'state', 'tpm', 'trust', 'uplink'];
  assert.deepEqual(Object.keys(config).sort(), sections);
  assert.deepEqual('tpm' in config && config.tpm, { device: '/dev/tpmrm0' });
  assert.ok(!effective.some(({ section }) => section === 'hsm' || section === 'leaf'));
  assert.throws(() => x509Of(config), /^Fault: NL-TPM-NO-LEAF /);
});

describe('dps.allowed_hubs', () => {
  const withHubs = (hubs: string) => LEAST.replace('[hsm]', `allowed_hubs = ${hubs}\n[hsm]`);

  test('is off unless it is set, and then a list as it was written', () => {
    assert.equal(parseConfig(LEAST, 'FILE').config.dps.allowed_hubs, undefined);
    const written = withHubs('[".azure-devices.net", "edge.example.com", "127.0.0.1"]');
    const { config, effective } = parseConfig(written, 'FILE');
    assert.deepEqual(config.dps.allowed_hubs, ['.azure-devices.net', 'edge.example.com', '127.0.0.1']);
    assert.match(printConfig(effective, 'FILE'), /^allowed_hubs = \["\.azure-devices\.net", .*\] {2}# FILE:5$/m);
  });

  const wrong: readonly (readonly [hubs: string, why: RegExp])[] = [
    ['".azure-devices.net"', /must be a list of texts/],
    ['[1]', /must be a list of texts/],
    ['[]', /must name a host; without the setting DPS may assign any/],
    ['["*.azure-devices.net"]', /must be names of hosts/],
    ['["my-hub.azure-devices.net:8883"]', /no port/],
    ['["mqtts://my-hub.azure-devices.net"]', /no scheme/],
    ['["."]', /must be names of hosts/],
    ['[""]', /must be names of hosts/],
    ['["..net"]', /must be names of hosts/],
    ['["hub.net."]', /must be names of hosts/],
  ];
  for (const [hubs, why] of wrong)
    test(`${hubs} is refused, with the line`, () => {
      const [complaint = '', ...more] = complaints(withHubs(hubs));
      assert.match(complaint, /^5: dps\.allowed_hubs /);
      assert.match(complaint, why);
      assert.deepEqual(more, []);
    });
});

test('a TPM is a device file, or a simulator on this machine: whoever answers there is believed', () => {
  for (const device of ['/dev/tpm0', '127.0.0.1:2321', '127.9.8.7:1', 'localhost:2321', '[::1]:2321'])
    assert.deepEqual(complaints(`${TPM}[tpm]\ndevice = "${device}"`), [], device);
  for (const device of ['', 'tpm0', '/', '10.0.0.1:2321', 'localhost', 'localhost:0', 'tpm.example.com:2321'])
    assert.match(complaints(`${TPM}[tpm]\ndevice = "${device}"`).join(), /tpm.device must be a device file/, device);
});

test('the chosen issuer brings its own settings along', () => {
  const config = x509Of(parseConfig(EST, 'FILE').config);
  assert.ok(config.issuer.kind === 'est');
  assert.equal(config.issuer.url, 'https://ca.example.com/.well-known/est');
  assert.equal(config.issuer.username, '');
  const command = parseConfig(
    `${LEAST.replace('inbox', 'command')}[issuer.command]\nargv = ["/bin/sign", "-x"]`,
    'FILE',
  );
  assert.deepEqual(x509Of(command.config).issuer, { kind: 'command', argv: ['/bin/sign', '-x'] });
});

test('a hub trusts the leaf that DPS has registered, and where Azure issues, its CA', () => {
  const of = (toml: string) => {
    const { trust, automatic } = termsOf(parseConfig(toml, 'FILE').config, 0);
    return [trust, automatic];
  };
  const azure = '[onboarding]\nkey = "pkcs11:object=factory"\ncertificate = "/etc/newleaf/onboarding.pem"\n';
  assert.deepEqual([LEAST, EST, `${LEAST.replace('inbox', 'azure')}${azure}`].map(of), [
    ['leaf', false],
    ['leaf', true],
    ['ca', true],
  ]);
});

test('another payload is no reason to register', () => {
  const registered = (more = '') =>
    termsOf(parseConfig(`${more}${LEAST.replace('[dps]\n', '').replace(/^(id_|reg)/gm, 'dps.$1')}`, 'FILE').config, 0)
      .registered;
  assert.equal(registered('dps.payload = { site = "north" }\n'), registered());
});

test('what was accepted is frozen, down to the payload', () => {
  const { config } = parseConfig(
    `dps.payload = { site = { floor = 2 } }\n${LEAST.replace('[dps]\n', '').replace(/^(id_|reg)/gm, 'dps.$1')}`,
    'FILE',
  );
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.limits));
  assert.ok(Object.isFrozen(config.dps.payload?.site));
});

test('every mistake is named with its line, in the order of the file, in one go', () => {
  const toml = LEAST.replace('gw-0001', 'gw 1').replace('[leaf]', 'pin = "1234"\n[leaf]\nrenew_at = "1hour"');
  assert.deepEqual(
    complaints(toml).map((complaint) => complaint.split(' ', 2).join(' ')),
    ['4: dps.registration_id', '8: hsm.pin', '10: leaf.renew_at'],
  );
});

test('a secret in the wrong place is not repeated', () => {
  for (const wrong of [
    'pin = "s3cret"',
    'pin_file = "s3cret"',
    'key = "pkcs11:object=k?pin-value=s3cret"',
    'pin = s3cret',
  ])
    assert.doesNotMatch(complaints(LEAST.replace('[leaf]', `${wrong}\n[leaf]`)).join('\n'), /^$|s3cret/);
});

const REFUSED: readonly (readonly [change: string, complaint: RegExp])[] = [
  ['[dsp]\na = 1', /^10: dsp is not a section/],
  ['[issuer.acme]\na = 1', /^10: issuer.acme is not a section/],
  ['[[trust]]', /^10: trust must be a table/],
  ['[limits]\nburst = "5"', /^11: limits.burst must be a whole number from 1 to 1000, without quotes/],
  ['[limits]\nburst = 2.5', /^11: limits.burst must be a whole number/],
  ['[limits]\nrequests_per_hour = 0', /^11: limits.requests_per_hour must/],
  ['[limits]\nmin_roll_interval = 30', /^11: limits.min_roll_interval must be a number with its unit/],
  ['[limits]\nmin_roll_interval = "30"', /^11: limits.min_roll_interval must be a number with its unit/],
  ['[limits]\nmin_roll_interval = "0s"', /^11: limits.min_roll_interval .* from "1s" to "1day"/],
  ['[limits]\nmin_roll_interval = "25hour"', /^11: limits.min_roll_interval .* from "1s" to "1day"/],
  ['[log]\nlevel = "verbose"', /^11: log.level must be one of "error", "warn", "info", "debug"/],
  ['[state]\ndirectory = "var"', /^11: state.directory must be an absolute path/],
  [`[control]\nsocket = "/${'s'.repeat(107)}"`, /^11: control.socket must be at most 107 bytes/],
  ['[issuer.command]\nargv = []', /^11: issuer.command.argv must name a program/],
  ['[issuer.command]\nargv = ["sign"]', /^11: issuer.command.argv must begin with the absolute path/],
  ['[issuer.est]\nca_file = "/x"', /^10: issuer.est.url is missing: it must be an https URL/],
];

for (const [added, expected] of REFUSED)
  test(`refused: ${added.replace('\n', ' ').slice(0, 60)}`, () => {
    const [complaint, ...more] = complaints(`${LEAST}${added}`);
    assert.match(complaint ?? '', expected);
    assert.deepEqual(more, []);
  });

const CHANGED: readonly (readonly [from: string | RegExp, to: string, complaint: RegExp | undefined])[] = [
  ['0ne00000000', '0ne/registrations', /^3: dps.id_scope must be the ID scope/],
  ['id_scope = "0ne00000000"', '', /^2: dps.id_scope is missing/],
  ['gw-0001', 'gw.1:a_B-', undefined],
  [
    'gw-0001',
    'gw-0001.',
    /^4: dps.registration_id must be 1 to 64 letters, digits, and the characters "-", "\.", "_" and ":", with a letter, a digit or "-" at the end/,
  ],
  ['gw-0001', 'g'.repeat(64), undefined],
  ['gw-0001', 'g'.repeat(65), /^4: dps.registration_id must be/],
  ['[hsm]', 'attestation = "symmetric-key"\n[hsm]', /^5: dps.attestation must be one of "x509", "tpm"/],
  ['[hsm]', 'endpoint = "127.0.0.1:8883"\n[hsm]', undefined],
  ['[hsm]', 'endpoint = "[::1]:8883"\n[hsm]', undefined],
  ['[hsm]', 'endpoint = "dps:0"\n[hsm]', /^5: dps.endpoint must be a host or host:port/],
  ['[hsm]', 'endpoint = "dps:65536"\n[hsm]', /^5: dps.endpoint must be/],
  ['[hsm]', 'endpoint = "https://dps"\n[hsm]', /^5: dps.endpoint .* without a scheme or a path/],
  ['[hsm]', 'payload = [1]\n[hsm]', /^5: dps.payload must be a table/],
  ['[hsm]', `payload = { a = "${'é'.repeat(47_500)}" }\n[hsm]`, /^5: dps.payload must be at most 95 000 bytes as JSON/],
  ['token = "newleaf"', '', /^5: hsm.token must be set \(or hsm.uri\)/],
  ['token = "newleaf"', 'uri = "pkcs11:serial=1"', undefined],
  ['token = "newleaf"', 'token = "newleaf"\nuri = "pkcs11:serial=1"', /^8: hsm.uri must be removed, or hsm.token/],
  ['token = "newleaf"', 'uri = "pkcs11:serial=1?pin-value=1"', /^7: hsm.uri must not hold a PIN/],
  ['inbox', 'acme', /^9: leaf.issuer must be one of "est", "inbox", "command", "hub"/],
  ['inbox', 'command', /^issuer.command.argv is missing/],
  ['issuer = "inbox"', '', /^8: leaf.issuer is missing/],
];

const EST_CHANGED: readonly (readonly [added: string, complaint: RegExp | undefined])[] = [
  ['username = "gw"\npassword_file = "/p"', undefined],
  ['username = ""', undefined],
  ['username = "gw"', /^14: issuer.est.username needs issuer.est.password_file/],
  ['password_file = "/p"', /^14: issuer.est.password_file needs issuer.est.username/],
  ['bootstrap_cert = "/c"', /^14: issuer.est.bootstrap_cert needs issuer.est.bootstrap_key/],
  ['bootstrap_cert = "/c"\nbootstrap_key = "pkcs11:object=k"', undefined],
];

const WRITTEN = [
  ...CHANGED.map(([from, to, complaint]) => [to || `no ${from}`, LEAST.replace(from, to), complaint] as const),
  ...EST_CHANGED.map(([added, complaint]) => [`est, ${added}`, EST + added, complaint] as const),
];
for (const [what, toml, expected] of WRITTEN)
  test(`${expected === undefined ? 'accepted' : 'refused'}: ${what.replace('\n', ' ').slice(0, 60)}`, () => {
    const found = complaints(toml);
    if (expected === undefined) assert.deepEqual(found, []);
    else assert.match(found.join('\n'), expected);
  });

test('the printed configuration says where each value comes from, and means the same', () => {
  const loaded = parseConfig(EST.replace('[hsm]', 'payload = { a = [1, \'x\'], "b c" = { d = true } }\n[hsm]'), 'FILE');
  const printed = printConfig(loaded.effective, loaded.file);
  assert.match(printed, /^id_scope = "0ne00000000" {2}# FILE:3$/m);
  assert.match(printed, /^renew_at = "66%" {2}# default$/m);
  assert.match(printed, /^# pin_file is not set: the systemd credential hsm-pin$/m);
  assert.doesNotMatch(printed, /issuer\.command/);
  assert.deepEqual(parseConfig(printed, 'FILE').config, loaded.config);
});

test('README.md lists every setting, and says what is required', () => {
  assert.match(settingsList(), /^- \*\*`hsm.module`\*\* .*<br>\*\*Required\*\*\./m);
  assert.match(settingsList(), /^- \*\*`leaf.renew_at`\*\* .*<br>Default: `"66%"`\. /m);
  assert.deepEqual(
    settingRows().filter(({ name }) => !settingsList().includes(`- **\`${name}\`** (`)),
    [],
  );
});

test('the file is chosen by option, then environment, then default', () => {
  assert.equal(configPath('/a', { NEWLEAF_CONFIG: '/b' }), '/a');
  assert.equal(configPath(undefined, { NEWLEAF_CONFIG: '/b' }), '/b');
  assert.equal(configPath(undefined, {}), '/etc/newleaf/newleaf.toml');
});

test('a file is read; one that cannot be read is told apart from one that is wrong', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-config-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'newleaf.toml');
  const advice = /--config FILE or NEWLEAF_CONFIG \(default: \/etc\/newleaf\/newleaf.toml\)/;
  assert.throws(
    () => loadConfig(file),
    (error) =>
      error instanceof Fault && advice.test(error.message) && /There is no configuration at/.test(error.message),
  );
  assert.throws(
    () => loadConfig(directory),
    (error) => error instanceof Fault && /is a directory/.test(error.message),
  );
  writeFileSync(file, LEAST);
  assert.equal(loadConfig(file).config.dps.registration_id, 'gw-0001');
});
