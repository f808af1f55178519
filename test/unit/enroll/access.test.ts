import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { register } from '../../clients/device.ts';
import { knockHub } from '../../clients/raw.ts';
import { Terminal } from '../terminal.ts';
import type { Office } from './office.ts';
import * as stage from './stage.ts';

const SCRIPT = new URL('../../../scripts/enroll', import.meta.url).pathname;

const office = await stage.staged(true);

const done = (...argv: string[]) => stage.done(office.enroll([...argv, '--yes']));

const admitted = async (cn: string, leaf: Awaited<ReturnType<Office['leaf']>>): Promise<boolean> =>
  register(office.simulator.endpoints, cn, leaf).then(
    () => true,
    () => false,
  );

test('one device is barred, and admitted again', async () => {
  const leaf = await office.leaf('gw-1');
  await done('add', 'individual', '--certificate', leaf.file);
  assert.equal(await admitted('gw-1', leaf), true);
  assert.match(await done('disallow', 'device', 'gw-1'), /The hub still lets it in: enroll disable-identity gw-1/);
  assert.equal(await admitted('gw-1', leaf), false);
  await done('allow', 'device', 'gw-1');
  assert.equal(await admitted('gw-1', leaf), true);
});

test('where DPS wants the certificate again, --pem gives it', async () => {
  const { simulator } = office;
  const [leaf, issuer] = [await office.leaf('gw-7'), await office.file('issuer.pem', simulator.endpoints.issuerPem)];
  await done('add', 'individual', '--certificate', leaf.file);
  await simulator.set({ infoAlone: 'refused' });
  for (const [kind, name, file] of [
    ['device', 'gw-7', leaf.file],
    ['group', 'gateways', issuer],
  ] as const) {
    const { code, said } = await office.enroll(['disallow', kind, name, '--yes']);
    assert.match(said, /repeat with --pem FILE/);
    assert.equal(code, 1);
    await done('disallow', kind, name, '--pem', file);
    assert.equal(simulator.enrollments.get(name).status, 'disabled');
    await done('allow', kind, name, '--pem', file);
    assert.equal(simulator.enrollments.get(name).status, 'enabled');
  }
  await simulator.set({ infoAlone: 'keeps-its-place' });
});

describe('one member of a group is barred, and admitted again', () => {
  const rows = [
    // By its leaf: for certain for that leaf; a newer one gets in where an individual enrollment counts for its leaf only.
    ['registration-id', true, false, false],
    ['held-leaf', true, false, true],
    // By its ID: not at all there.
    ['registration-id', false, false, false],
    ['held-leaf', false, true, true],
  ] as const;
  for (const [individualDecidesFor, byLeaf, oldGetsIn, newGetsIn] of rows) {
    test(`${individualDecidesFor}, ${byLeaf ? 'with' : 'without'} its leaf`, async () => {
      const [old, young] = [await office.leaf('gw-3', 'old'), await office.leaf('gw-3', 'young')];
      await office.simulator.set({ individualDecidesFor });
      await done('disallow', 'member', 'gw-3', ...(byLeaf ? ['--certificate', old.file] : []));
      assert.deepEqual([await admitted('gw-3', old), await admitted('gw-3', young)], [oldGetsIn, newGetsIn]);
      await done('allow', 'member', 'gw-3');
      assert.equal(await admitted('gw-3', old), true);
    });
  }
});

test('a member that has registered stays in its hub; a name that no device has may be misspelt', async () => {
  const leaf = await office.leaf('gw-11');
  assert.equal(await admitted('gw-11', leaf), true);
  assert.match((await office.enroll(['list', 'registrations', 'gateways'])).out, /\ngw-11 .*assigned/);
  assert.match(await done('disallow', 'member', 'gw-11'), /whatever its group\. The hub still lets it in: /);
  assert.match(
    await done('disallow', 'member', 'gw-l1'),
    /whatever its group\. No device has registered as gw-l1 so far\. If the name is misspelt: enroll allow member gw-l1$/m,
  );
  await done('allow', 'member', 'gw-11');
  await done('allow', 'member', 'gw-l1');
});

test('barring the wrong way round is refused, with the right command', async () => {
  const leaf = await office.leaf('gw-4');
  const member = await office.enroll(['disallow', 'device', 'gw-4', '--yes']);
  assert.match(member.said, /enroll disallow member gw-4/);
  await done('add', 'individual', '--certificate', leaf.file);
  const device = await office.enroll(['disallow', 'member', 'gw-4', '--yes']);
  assert.match(device.said, /enroll disallow device gw-4/);
  const living = await office.enroll(['allow', 'member', 'gw-4', '--yes']);
  assert.match(living.said, /is enabled: it bars no device/);
  assert.deepEqual([member.code, device.code, living.code], [1, 1, 1]);
});

test('a member that is barred already: so it is told, and nothing is changed', async () => {
  const [leaf, other] = [await office.leaf('gw-8'), await office.leaf('gw-8', 'other')];
  await done('disallow', 'member', 'gw-8', '--certificate', leaf.file);
  const again = await done('disallow', 'member', 'gw-8', '--certificate', leaf.file);
  assert.match(
    again,
    /^"gw-8" has a disabled individual enrollment already: nothing to change\. The hub still lets it in: /,
  );
  assert.equal(await done('disallow', 'member', 'gw-8'), again);
  const wrong = await office.enroll(['disallow', 'member', 'gw-8', '--yes', '--certificate', other.file]);
  assert.match(wrong.said, /which does not hold this leaf\. -> Allow it, .*: enroll allow member gw-8/);
  assert.equal(wrong.code, 1);
  await done('allow', 'member', 'gw-8');
});

test('the hub: disabled, enabled, forgotten', async () => {
  const { simulator } = office;
  const leaf = await office.leaf('gw-5');
  await register(simulator.endpoints, 'gw-5', leaf);
  const knock = async () => (await knockHub(simulator.endpoints, simulator.endpoints.hub1, 'gw-5', leaf)).connack;
  assert.equal(await knock(), 0);
  assert.match(await done('disable-identity', 'gw-5'), /-> disabled/);
  assert.equal(await knock(), 5);
  await done('enable-identity', 'gw-5');
  assert.equal(await knock(), 0);
  const asked = await office.enroll(['forget', 'gw-5'], { answer: '' });
  assert.match(asked.err, /Delete gw-5 from the hub\? \[y\/N\]/);
  assert.deepEqual([asked.code, await knock()], [1, 0]);
  assert.match((await office.enroll(['forget', 'gw-5', '--dry-run'])).out, /-> deleted, with its twin[\s\S]*--dry-run/);
  assert.doesNotMatch(await done('forget', 'gw-5'), /tags/);
  assert.equal(await simulator.device('gw-5'), null);
});

test('forgotten with its tags: they are shown before, and afterwards the command that sets them again', async () => {
  const { simulator } = office;
  await simulator.writeDevice('hub1', 'gw-9', 'AB'.repeat(32));
  simulator.registries.hub1.patchTags('gw-9', { site: "the north's" });
  const asked = await office.enroll(['forget', 'gw-9'], { answer: 'n' });
  const lost = /\n {2}-> without these tags, also when it is back: {"site":"the north's"}\n/;
  assert.match(asked.out, lost);
  assert.match(asked.err, /Delete gw-9 from the hub, with its tags\? \[y\/N\]/);
  const told = await done('forget', 'gw-9');
  assert.match(told, lost);
  const [, command = ''] = /When it is back:\n {2}(az .*)\n$/.exec(told) ?? [];
  const { stdout } = spawn('sh', ['-c', `az() { printf '%s|' "$@"; }; ${command}`]);
  const given = Buffer.concat(await stdout.toArray()).toString();
  assert.match(
    given,
    /^iot\|hub\|device-twin\|update\|--hub-name\|\w+\|--device-id\|gw-9\|--tags\|{"site":"the north's"}\|$/,
  );
});

test('barred and forgotten: it is shown as not assigned', async () => {
  const leaf = await office.leaf('gw-10');
  await admitted('gw-10', leaf);
  await done('disallow', 'member', 'gw-10', '--certificate', leaf.file);
  await done('forget', 'gw-10');
  assert.equal(await admitted('gw-10', leaf), false);
  const { out } = await office.enroll(['show', 'device', 'gw-10']);
  assert.match(out, /\nDPS has not assigned it to a hub: (disabled|failed), 20\d\d-.*Z\n/);
  const dps = { NEWLEAF_DPS_CONNECTION: office.env.NEWLEAF_DPS_CONNECTION };
  const alone = await office.enroll(['show', 'device', 'gw-10'], { env: dps });
  assert.match(alone.out, /\nThe hub was not asked: --hub or NEWLEAF_HUB_CONNECTION names it\.\n$/);
});

test('scripts/enroll itself, as an operator calls it: what DPS and the hub know of a device', async () => {
  const { simulator } = office;
  const leaf = await office.leaf('gw-6');
  await register(simulator.endpoints, 'gw-6', leaf);
  const env = { ...process.env, ...office.env, NODE_EXTRA_CA_CERTS: `${office.directory}/trust.pem` };
  const child = spawn(SCRIPT, ['show', 'device', 'gw-6'], { env, cwd: office.directory });
  const [chunks, [code]] = await Promise.all([child.stdout.toArray(), once(child, 'exit')]);
  const out = Buffer.concat(chunks).toString();
  assert.equal(code, 0);
  const when = simulator.enrollments.registrations.get('gw-6')?.updatedAt.toISOString();
  assert.equal(
    out,
    `No individual enrollment gw-6: at most a group admits it.

Registered ${when}, assigned to ${simulator.endpoints.hub1} as gw-6

Identity gw-6 in the hub
    status     enabled, not connected
    primary    ${leaf.thumbprint}
    secondary  ${leaf.thumbprint}
`,
  );
});

test('Ctrl-C and Ctrl-D at a question are a no', async (t) => {
  const { simulator } = office;
  await simulator.writeDevice('hub1', 'gw-7', 'AB'.repeat(32));
  const env = { ...office.env, NODE_EXTRA_CA_CERTS: `${office.directory}/trust.pem` };
  for (const key of ['\u0003', '\u0004']) {
    const terminal = new Terminal(t, [SCRIPT, 'forget', 'gw-7'], { env });
    await terminal.screen.shows('[y/N]');
    terminal.type(key);
    assert.equal(await terminal.ended, 1);
    assert.match(terminal.screen.text, /\[y\/N\] .*\r\nNothing was changed\.\r\n$/);
  }
  assert.notEqual(await simulator.device('gw-7'), null);
});
