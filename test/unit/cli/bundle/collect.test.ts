import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { collect } from '../../../../agent/cli/bundle/collect.ts';
import { type Part, printed, type Scene } from '../../../../agent/cli/bundle/part.ts';
import { secretsOf, settingsIn, settingsInWords, textOf } from '../../../../agent/cli/bundle/settings.ts';
import { STATE_PARTS } from '../../../../agent/cli/bundle/state-parts.ts';
import { Fault } from '../../../../agent/failure/failure.ts';
import { scratch } from '../../state/disk.ts';
import { configIn, NOW } from '../stage.ts';

const sceneOf = (file: string): Scene => ({
  settings: settingsIn(file),
  env: {},
  now: NOW,
  itself: [process.execPath],
});
const fails = (error: unknown) => async () => {
  throw error;
};

test('what fails leaves its sentence, and the rest is there', async (t) => {
  const directory = scratch(t);
  const parts: readonly Part[] = [
    { name: 'text', about: '', make: async () => 'the PIN is 2718281' },
    { name: 'json', about: '', make: async () => ({ pin: 1, at: 'x' }) },
    { name: 'none', about: '', make: async () => undefined },
    { name: 'public', about: '', isPublic: true, make: async () => 'pin 998877' },
    { name: 'fault', about: '', make: fails(new Fault('NL-DAEMON-DOWN')) },
    { name: 'missing', about: '', make: fails(Object.assign(new Error('x'), { code: 'ENOENT', path: '/no' })) },
    { name: 'denied', about: '', make: fails(Object.assign(new Error('x'), { code: 'EACCES', path: '/no' })) },
    { name: 'odd', about: '', make: fails('password=2718281') },
  ];
  writeFileSync(join(directory, 'pin'), '2718281\n');
  const made = await collect(sceneOf(configIn(directory)), parts);
  const texts = made.map(({ name, content }) => [name, content.toString()]);
  assert.deepEqual(texts, [
    ['text', 'the PIN is [redacted]'],
    ['json', '{\n "pin": "[redacted]",\n "at": "x"\n}\n'],
    ['public', 'pin 998877'],
    ['fault', 'This could not be collected. The daemon does not run.\n'],
    ['missing', 'This could not be collected. There is no /no.\n'],
    ['denied', 'This could not be collected. This user may not read /no: `newleaf support-bundle`\n'],
    ['odd', 'This could not be collected. password=[redacted]\n'],
  ]);
  assert.deepEqual(made.filter(({ trouble }) => trouble !== undefined).length, 4);
});

test('settings: what is private is hidden, and known elsewhere by its text', async (t) => {
  const directory = scratch(t);
  const file = join(directory, 'newleaf.toml');
  writeFileSync(
    file,
    `[dps]
id_scope = "0ne00000000"
registration_id = "gw-0001" # comment-of-somebody
payload = { owner = "private owner", site = { hall = "north" }, device = "gw-0001" }
[hsm]
module = "/usr/lib/module.so"
token = "newleaf"
pin_file = "${directory}/pin"
[leaf]
issuer = "command"
[issuer.command]
argv = ["/usr/bin/sign", "--profile", "/etc/profile", "--password=private word", "private argument"]
`,
  );
  writeFileSync(join(directory, 'pin'), '314159\n');
  const settings = settingsIn(file);
  const words = settingsInWords(settings);
  assert.match(
    words,
    /^argv = \["\/usr\/bin\/sign", "\[redacted\]", "\[redacted\]", "\[redacted\]", "\[redacted\]"\]/m,
  );
  assert.match(words, /^payload = "\[redacted\]"/m);
  assert.doesNotMatch(words, /private|somebody|north/);
  const ofThisMachine = new Set(await secretsOf(settingsIn(join(directory, 'none.toml')), {}));
  const own = (await secretsOf(settings, {})).filter((text) => !ofThisMachine.has(text));
  assert.deepEqual(own, ['314159', 'private owner', 'private word', 'private argument']);
  assert.equal(textOf(settings, 'dps.registration_id'), 'gw-0001');
});

test('settings that are wrong, or not there', (t) => {
  const directory = scratch(t);
  const file = join(directory, 'newleaf.toml');
  writeFileSync(
    file,
    '[dps]\nregistration_id = "gw-0001"\n[issuer.est]\nurl = "https://user:planted@ca"\n[hsm]\npin = "planted"\n',
  );
  const wrong = settingsInWords(settingsIn(file));
  assert.match(wrong, /^# .*newleaf\.toml:6: hsm\.pin is not a setting/m);
  assert.match(wrong, /^registration_id = "gw-0001"/m);
  writeFileSync(file, 'pin = "planted\n');
  const broken = settingsIn(file);
  assert.match(
    settingsInWords(broken),
    /^# .*cannot be read, so this goes by the defaults: NL-CONFIG .*newleaf\.toml:1: /,
  );
  assert.doesNotMatch(settingsInWords(broken), /planted/);
  assert.equal(textOf(broken, 'state.directory'), '/var/lib/newleaf');
  assert.equal(textOf(broken, 'dps.registration_id'), undefined);
  assert.match(settingsInWords(settingsIn(join(directory, 'none.toml'))), /ENOENT/);
});

test('programs: what they say, however they end; one that hangs is killed', async () => {
  assert.equal(await printed(['sh', '-c', 'echo out; echo err >&2']), 'out\nerr\n');
  assert.equal(await printed(['sh', '-c', 'echo out; exit 3']), 'out\n(sh ended with 3)\n');
  await assert.rejects(printed(['sh', '-c', 'exit 3']), /^Error: sh failed/);
  await assert.rejects(printed(['newleaf-no-such-program']), /There is no newleaf-no-such-program on this gateway\./);
  await assert.rejects(
    printed(['sh', '-c', 'echo so far; exec sleep 60'], 200),
    /sh did not end within 0\.2 s\. so far/,
  );
});

test('a link or a pipe in the state directory leads nobody elsewhere, and holds nobody up', async (t) => {
  const directory = scratch(t);
  const scene = sceneOf(configIn(directory));
  const state = textOf(scene.settings, 'state.directory') ?? '';
  mkdirSync(state, { recursive: true });
  writeFileSync(join(directory, 'shadow'), 'root:planted-hash');
  symlinkSync(join(directory, 'shadow'), join(state, 'state.json'));
  execFileSync('mkfifo', [join(state, 'leaf.pem')]);
  const made = new Map((await collect(scene, STATE_PARTS)).map((one) => [one.name, one]));
  for (const name of ['state.json', 'leaf.pem'])
    assert.match(`${made.get(name)?.content}`, /^This could not be collected\./);
  assert.ok([...made.values()].every(({ content }) => !content.includes('planted-hash')));
});
