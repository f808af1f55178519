import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Dialled, Unreached } from '../../../agent/cli/checks/dial.ts';
import { examine, select } from '../../../agent/cli/checks/examine.ts';
import { CHECKS } from '../../../agent/cli/checks/list.ts';
import type { Site } from '../../../agent/cli/checks/site.ts';
import { Fault } from '../../../agent/roll/failure.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import type { Protection } from '../../../hsm/key-pair.ts';
import { CONFIG, currentLeaf, dialled, entry, siteWith, slotWith, tokenWith } from './gateway.ts';
import { NOW } from './stage.ts';

/** What one check finds: `outcome`, code if any, and the words. */
async function found(id: string, change: Partial<Site>, toml = CONFIG): Promise<string> {
  const check = CHECKS.find((one) => one.id === id);
  assert.ok(check !== undefined);
  for await (const { outcome, code, message, advice } of examine([check], siteWith(change, toml))) {
    assert.ok(outcome === 'ok' || outcome === 'skipped' || advice !== undefined, 'each failure names the next step');
    return [outcome, ...(code === undefined ? [] : [code]), message].join(' ');
  }
  throw new Error('no result');
}

const fails = (error: Error) => async (): Promise<never> => {
  throw error;
};
const withLeaf =
  (change: Partial<typeof currentLeaf>, more = {}) =>
  async () => ({ ...entry, ...more, current: { ...currentLeaf, ...change } });
const withoutLeaf = async () => {
  const { current: _, assignment: _hub, ...rest } = entry;
  return rest;
};
const modes = (pin: number | 'absent', state: number | 'absent') => async (path: string) =>
  path.endsWith('pin') ? pin : state;
const protectedBy = (change: Partial<Protection>) => async () =>
  tokenWith({ describe: async () => ({ ...(await tokenWith({}).describe({} as never)), ...change }) });
const shows = (change: Partial<Dialled>) => async () => ({ ...dialled, ...change });
const denied = Object.assign(new Error('EACCES'), { code: 'EACCES', path: '/var/lib/newleaf/state.json' });
const DAY = 86_400_000;

const rows: readonly (readonly [id: string, name: string, change: Partial<Site>, found: RegExp, toml?: string])[] = [
  ['configuration', 'right', {}, /^ok \/etc\/newleaf\/newleaf\.toml is in order, with 6 settings\.$/],
  [
    'configuration',
    'wrong',
    { config: fails(new Fault('NL-CONFIG', { message: 'x:1: y.' })) },
    /^failed NL-CONFIG x:1: y\.$/,
  ],
  ['state-file', 'whole', {}, /^ok .*state\.json is whole: serving with the current leaf\.$/],
  ['state-file', 'absent', { entry: async () => 'absent' }, /^ok There is no .* yet: this is a new gateway\.$/],
  ['state-file', 'corrupt', { entry: fails(new Fault('NL-STATE-CORRUPT')) }, /^failed NL-STATE-CORRUPT /],
  [
    'state-file',
    'not for this user',
    { entry: fails(denied) },
    /^skipped This user may not read \/var\/lib\/newleaf\/state\.json\.$/,
  ],
  ['permissions', 'right', {}, /^ok /],
  ['permissions', 'state for the group', { mode: modes(0o600, 0o750) }, /^ok /],
  ['permissions', 'nothing there yet', { mode: modes('absent', 'absent') }, /^ok /],
  ['permissions', 'PIN for everybody', { mode: modes(0o644, 0o700) }, /^failed NL-TOKEN-PIN-FILE .* has mode 0644\.$/],
  ['permissions', 'PIN for its group', { mode: modes(0o640, 0o700) }, /^warning .* its group may use the PIN\.$/],
  [
    'permissions',
    'state for others',
    { mode: modes(0o600, 0o755) },
    /^warning .* has mode 0755, and should have 0750\.$/,
  ],
  ['module-loads', 'right', {}, /^ok \/usr\/lib\/module\.so loads\.$/],
  [
    'module-loads',
    'missing',
    { loadModule: fails(new TokenError('module', 'MODULE_NOT_LOADED', 'no')) },
    /^failed NL-TOKEN-MODULE no\.$/,
  ],
  ['token-present', 'right', {}, /^ok Token "newleaf" \(serial 0042, SoftHSM project SoftHSM v2\) is there\.$/],
  [
    'token-present',
    'none',
    { slot: fails(new TokenError('missing', 'TOKEN_NOT_FOUND', 'No token.')) },
    /^failed NL-TOKEN-MISSING No token\.$/,
  ],
  [
    'token-present',
    'somebody guesses',
    { slot: slotWith(0x1_0000) },
    /^warning .* has met a wrong PIN since the last right one\.$/,
  ],
  ['pin', 'right', {}, /^ok Token "newleaf" accepts the PIN\.$/],
  [
    'pin',
    'refused',
    { token: fails(new TokenError('pin', 'CKR_PIN_INCORRECT', 'The PIN is wrong')) },
    /^failed NL-TOKEN-PIN The PIN is wrong\.$/,
  ],
  [
    'pin',
    'locked',
    { token: fails(new TokenError('pin-locked', 'CKR_PIN_LOCKED', 'Locked.')) },
    /^failed NL-TOKEN-PIN-LOCKED /,
  ],
  [
    'pin',
    'the last try is not spent',
    { slot: slotWith(0x2_0000), token: fails(new Error('tried')) },
    /^failed NL-TOKEN-PIN One wrong PIN more/,
  ],
  [
    'pin',
    'file for root only',
    { token: fails(new TokenError('pin-file', 'PIN_FILE', 'no', denied)) },
    /^skipped This user may not read/,
  ],
  [
    'pin',
    'a systemd credential',
    { token: fails(new Error('tried')) },
    /^skipped The PIN is a systemd credential/,
    CONFIG.replace(/pin_file.*\n/, ''),
  ],
  ['keys', 'one', {}, /^ok newleaf-a: ec-p256, made in the token, never extractable\.$/],
  [
    'keys',
    'none',
    { token: async () => tokenWith({ find: async () => undefined }) },
    /^ok There is no key in newleaf-a or newleaf-b yet\.$/,
  ],
  [
    'keys',
    'readable',
    { token: protectedBy({ extractable: true }) },
    /^warning newleaf-a: .* NOT protected \(sensitive true, extractable true,/,
  ],
  ['keys', 'once readable', { token: protectedBy({ neverExtractable: false }) }, /^warning .* NOT protected/],
  ['keys', 'silent token', { token: protectedBy({ sensitive: undefined }) }, /^warning .*sensitive undefined/],
  ['keys', 'given', {}, /^ok newleaf-a: .*; newleaf-a: /, CONFIG.replace('[leaf]', 'key = "pkcs11:object=x"\n[leaf]')],
  ['leaf-key', 'no leaf', { entry: withoutLeaf }, /^skipped There is no leaf yet\.$/],
  [
    'leaf-key',
    'gone',
    { token: async () => tokenWith({ findById: async () => undefined }) },
    /^failed NL-TOKEN-KEY Token "newleaf" has no key with the id 01 \(slot a\)\.$/,
  ],
  ['leaf-validity', 'valid', {}, /^ok The leaf expires in 20 days \(2026-12-15 14:49\), renewal in 9 days/],
  ['leaf-validity', 'no leaf', { entry: withoutLeaf }, /^skipped There is no leaf yet\.$/],
  [
    'leaf-validity',
    'due',
    { entry: withLeaf({ notBefore: NOW - 90 * DAY }) },
    /^warning The leaf expires in 20 days .*, and its renewal is due since/,
  ],
  [
    'leaf-validity',
    'expired',
    { entry: withLeaf({ notAfter: NOW }) },
    /^failed NL-LEAF-VALIDITY The current leaf expired now/,
  ],
  ['leaf-validity', 'one millisecond left', { entry: withLeaf({ notAfter: NOW + 1 }) }, /^warning /],
  [
    'leaf-validity',
    'not valid yet',
    { entry: withLeaf({ notBefore: NOW + DAY }) },
    /^failed NL-CLOCK The clock is wrong/,
  ],
  ['leaf-validity', 'clock set back', { entry: withLeaf({}, { lastSeen: NOW + 1 }) }, /^failed NL-CLOCK /],
  ['leaf-validity', 'renewal off', {}, /^warning .*, and no renewal is planned\.$/, `${CONFIG}renew_at = "off"\n`],
  ['tls-engine', 'installed', {}, /^ok /],
  [
    'tls-engine',
    'missing',
    { prepareEngine: fails(new TokenError('engine', 'ENGINE_NOT_FOUND', 'no')) },
    /^failed NL-TOKEN-ENGINE no\.$/,
  ],
  ['socket', 'runs', {}, /^ok The daemon \(0\.1\.0\) runs: serving with the current leaf, online\.$/],
  ['socket', 'does not', { status: fails(new Fault('NL-DAEMON-DOWN')) }, /^failed NL-DAEMON-DOWN /],
  ['dps-reach', 'well', {}, /^ok global\.azure-devices-provisioning\.net answers at 192\.0\.2\.7 port 8883, trusted/],
  [
    'dps-reach',
    'no name',
    { dial: fails(new Unreached('dns', 'No.', 8883, undefined)) },
    /^failed NL-DPS-UNREACHABLE No\.$/,
  ],
  [
    'dps-reach',
    'no CA file',
    { dial: fails(Object.assign(new Error('ENOENT: ca.pem'), { code: 'ENOENT' })) },
    /^failed NL-INTERNAL .*ca\.pem/,
  ],
  ['hub-reach', 'no hub yet', { entry: withoutLeaf }, /^skipped DPS has not assigned a hub yet\.$/],
  ['hub-reach', 'new gateway', { entry: async () => 'absent' }, /^skipped DPS has not assigned a hub yet\.$/],
  [
    'hub-reach',
    'proxy',
    { dial: shows({ issuer: 'ACME Proxy', distrust: 'SELF_SIGNED_CERT_IN_CHAIN' }) },
    /^failed NL-HUB-UNTRUSTED hub-1\.azure-devices\.net shows a certificate issued by ACME Proxy, which \/etc\/ssl/,
  ],
  [
    'hub-reach',
    'clock',
    { dial: shows({ distrust: 'CERT_NOT_YET_VALID' }) },
    /^failed NL-HUB-UNTRUSTED .* is not valid at this time/,
  ],
  [
    'hub-reach',
    'another host',
    { dial: shows({ distrust: 'ERR_TLS_CERT_ALTNAME_INVALID' }) },
    /^failed NL-HUB-UNTRUSTED .* is for another name\.$/,
  ],
];

describe('checks', () => {
  for (const [id, name, change, expected, toml] of rows) {
    test(`${id}: ${name}`, async () => assert.match(await found(id, change, toml), expected));
  }

  test('there is a row for each', () => {
    assert.deepEqual(new Set(rows.map(([id]) => id)), new Set(CHECKS.map(({ id }) => id)));
  });
});

describe('the list', () => {
  test('what a check needs stands before it', () => {
    const seen = new Set<string>();
    for (const { id, needs } of CHECKS) {
      for (const need of needs) assert.ok(seen.has(need), `${id} needs ${need}`);
      seen.add(id);
    }
  });

  test('asked for one, it brings what that needs', () => {
    const ids = (...names: string[]) => select(CHECKS, names).map(({ id }) => id);
    assert.deepEqual(ids('hub-reach'), ['configuration', 'state-file', 'hub-reach']);
    assert.deepEqual(ids('keys', 'socket'), [
      'configuration',
      'module-loads',
      'token-present',
      'pin',
      'keys',
      'socket',
    ]);
    assert.equal(ids().length, CHECKS.length);
  });

  test('one fault is told once', async () => {
    const site = siteWith({ loadModule: fails(new TokenError('module', 'MODULE_NOT_LOADED', 'no')) });
    const told: string[] = [];
    for await (const { id, outcome, message } of examine(select(CHECKS, ['leaf-key']), site))
      told.push(`${outcome} ${id} ${message}`);
    assert.deepEqual(told.slice(2), [
      'failed module-loads no.',
      'skipped token-present needs module-loads',
      'skipped pin needs token-present',
      'skipped leaf-key needs pin',
    ]);
  });
});
