import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_PATH, instanceOf, parseConfig, x509Of } from '../../../agent/config/config.ts';
import { draftOf, standardOf } from '../../../agent/config/draft.ts';
import { configurationOf, isInstanceName } from '../../../agent/config/instance.ts';
import { clashOf } from '../../../agent/config/neighbours.ts';

const TOML = `
[dps]
id_scope = "0ne00ABCDEF"
registration_id = "gw-1"
[hsm]
module = "/usr/lib/softhsm/libsofthsm2.so"
token = "shared"
[leaf]
issuer = "inbox"
`;

const NAMES: readonly (readonly [name: string, isOne: boolean])[] = [
  ['plant', true],
  ['line-2', true],
  ['A_1', true],
  ['uplink', true],
  ['a'.repeat(28), true],
  ['a'.repeat(29), false],
  ['newleaf', false],
  ['-a', false],
  ['a.b', false],
  ['../etc', false],
  ['a/b', false],
  ['a b', false],
  ['', false],
];

for (const [name, isOne] of NAMES) {
  test(`${JSON.stringify(name)} is ${isOne ? 'a' : 'no'} name`, () => {
    assert.equal(isInstanceName(name), isOne);
    assert.equal(instanceOf(configurationOf(name)).name, isOne ? name : undefined);
  });
}

test('the path of the configuration decides unit, PIN, state and sockets', () => {
  const { standards, ...places } = instanceOf('/etc/newleaf/plant/newleaf.toml');
  assert.deepEqual(places, {
    name: 'plant',
    hasUnit: true,
    unit: 'newleaf@plant',
    pin: '/etc/newleaf/plant/pin',
    credential: '/run/credentials/newleaf@plant.service/hsm-pin',
    sealed: '/etc/credstore.encrypted/hsm-pin@plant',
    state: '/var/lib/newleaf@plant',
  });
  assert.deepEqual(standards, {
    'hsm.label_prefix': 'plant',
    'state.directory': '/var/lib/newleaf@plant',
    'control.socket': '/run/newleaf@plant/control.sock',
    'uplink.sockets': '/run/newleaf-uplink@plant',
  });
});

test('the default, and an experiment elsewhere, have the places of newleaf.service', () => {
  for (const [file, hasUnit] of [
    [DEFAULT_PATH, true],
    ['/home/me/newleaf.toml', false],
    ['/etc/newleaf/plant/other.toml', false],
  ] as const) {
    assert.deepEqual(instanceOf(file), {
      hasUnit,
      unit: 'newleaf',
      pin: '/etc/newleaf/pin',
      credential: '/run/credentials/newleaf.service/hsm-pin',
      sealed: '/etc/credstore.encrypted/hsm-pin',
      state: '/var/lib/newleaf',
      standards: {},
    });
  }
});

test('one text in two places is two daemons that share nothing but the token', () => {
  const [one, other] = [DEFAULT_PATH, configurationOf('plant')].map((file) => x509Of(parseConfig(TOML, file).config));
  assert.ok(one && other);
  assert.equal(one.hsm.token, other.hsm.token);
  assert.notEqual(one.hsm.label_prefix, other.hsm.label_prefix);
  assert.notEqual(one.state.directory, other.state.directory);
  assert.notEqual(one.control.socket, other.control.socket);
  assert.notEqual(one.uplink.sockets, other.uplink.sockets);
});

test('a setting in the file counts, and only such a one is kept by init', () => {
  const file = configurationOf('plant');
  const named = TOML.replace('token =', 'label_prefix = "mine"\ntoken =');
  assert.equal(x509Of(parseConfig(named, file).config).hsm.label_prefix, 'mine');
  assert.equal(draftOf(TOML, file).draft.has('state.directory'), false);
  assert.equal(standardOf('state.directory', file), '/var/lib/newleaf@plant');
  assert.equal(standardOf('state.directory'), '/var/lib/newleaf');
});

const apart = (text: string, file: string) => ({ file, config: parseConfig(text, file).config });
const CLASHES: readonly (readonly [change: string, shared: RegExp | undefined])[] = [
  ['registration_id = "gw-2"', undefined],
  ['registration_id = "gw-1"', /^dps\.registration_id is that of \/etc\/newleaf\/newleaf\.toml, too/],
  ['registration_id = "gw-1"\nendpoint = "global.azure-devices-provisioning.cn"', undefined],
  ['registration_id = "gw-2"\nhsm.label_prefix = "newleaf"', /^hsm\.label_prefix /],
  ['registration_id = "gw-2"\nstate.directory = "/var/lib/newleaf"', /^state\.directory /],
  ['registration_id = "gw-2"\ncontrol.socket = "/run/newleaf/control.sock"', /^control\.socket /],
];

for (const [change, shared] of CLASHES) {
  test(`two daemons of one gateway: ${JSON.stringify(change)}`, () => {
    const [, key, value] = /\n(\w+\.\w+) = (.*)$/.exec(change) ?? [];
    const inPlace = change.replace(/\n\w+\.\w+ = .*$/, '');
    const [section, name] = key?.split('.') ?? [];
    const dps = TOML.replace('registration_id = "gw-1"', inPlace);
    const line = `${name} = ${value}`;
    const text =
      section === undefined
        ? dps
        : section === 'hsm'
          ? dps.replace('[hsm]', `[hsm]\n${line}`)
          : `${dps}[${section}]\n${line}\n`;
    const said = clashOf(apart(text, configurationOf('plant')).config, [apart(TOML, DEFAULT_PATH)]);
    if (shared === undefined) assert.equal(said, undefined);
    else assert.match(said ?? '', shared);
  });
}

test('two daemons of one gateway do not attest by the same TPM', () => {
  const tpm = '[dps]\nid_scope = "0ne00ABCDEF"\nattestation = "tpm"\nregistration_id = ';
  const [one, other] = [`${tpm}"gw-1"\n`, `${tpm}"gw-2"\n`];
  const { config } = apart(one, configurationOf('plant'));
  assert.match(clashOf(config, [apart(other, DEFAULT_PATH)]) ?? '', /^tpm\.device /);
  assert.equal(clashOf(config, [apart(TOML.replace('gw-1', 'gw-2'), DEFAULT_PATH)]), undefined);
});

test('two daemons with the same labels in two tokens, by URI, are apart', () => {
  const by = (name: string, id: string) =>
    TOML.replace('token = "shared"', `uri = "pkcs11:token=${name}"\nlabel_prefix = "gw"`).replace('gw-1', id);
  const config = (name: string) => apart(by(name, 'gw-1'), configurationOf('plant')).config;
  const others = [apart(by('one', 'gw-2'), DEFAULT_PATH)];
  assert.match(clashOf(config('one'), others) ?? '', /^hsm\.label_prefix /);
  assert.equal(clashOf(config('two'), others), undefined);
});
