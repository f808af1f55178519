import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { faultyModule } from '../contract/faulty/faulty.ts';
import { Container, HANG, only, type Volumes } from './container.ts';
import { ownEngine } from './own-engine.ts';
import { type Site, site, USER } from './site.ts';

const { engine } = await ownEngine();

const setUp = async (t: TestContext): Promise<Site> => {
  const made = await site(t);
  const { code, out, err } = await only(engine, made.volumes, ['init', ...made.flags]);
  assert.equal(code, 0, out + err);
  return made;
};

const serving = async (
  t: TestContext,
  name: string,
  volumes: Volumes,
  extra: readonly string[] = [],
): Promise<Container> => {
  const container = new Container(t, engine, name, volumes, extra);
  await container.says('started');
  await container.says('connected');
  return container;
};

/** Longer than any watchdog. */
const FOR_EVER_MS = 3_600_000;

test('init, with a token that it makes; run; every command; an update by the next container', async (t) => {
  const { volumes } = await setUp(t);
  const one = await serving(t, 'one', volumes);
  for (const args of [
    ['status'],
    ['check'],
    ['csr'],
    ['roll', '--wait'],
    ['reprovision', '--wait'],
    ['config'],
    ['version'],
    ['support-bundle', '-o', '/tmp/bundle.tgz'],
  ]) {
    const { code, out, err } = await one.newleaf(...args);
    assert.equal(code, 0, `${args.join(' ')}\n${out}${err}`);
  }
  assert.equal((await one.exec('newleaf-container', 'alive')).code, 0);
  await one.kill('TERM');
  assert.equal(await one.ended, 0, one.noise);
  const two = await serving(t, 'two', volumes);
  assert.equal((await two.newleaf('status')).code, 0);
  assert.deepEqual([one.noise, two.noise], ['', '']);
});

test('no screen names what a container does not have', async (t) => {
  const { volumes } = await setUp(t);
  const one = await serving(t, 'one', volumes);
  chmodSync(join(volumes.configuration, 'est-password'), 0o644);
  const screens = [
    await one.newleaf('check'),
    await one.newleaf('status'),
    await one.newleaf('uplink', 'add', 'meter'),
    await one.newleaf('decommission', '--yes'),
    await one.newleaf('help', 'NL-TOKEN-PIN-LOCKED'),
    await only(engine, volumes, ['roll']),
  ];
  for (const { out, err } of screens) assert.doesNotMatch(out + err, /systemctl|journalctl|apt-get|sudo/);
  const gone = screens.at(-1);
  assert.match(gone?.err ?? '', /NL-CONTROL-GONE[\s\S]*docker exec newleaf newleaf status/);
});

test('a gateway that waits for a person is alive: nothing kills it', async (t) => {
  const { volumes } = await setUp(t);
  const one = await serving(t, 'one', volumes);
  assert.equal((await one.newleaf('csr', '--new-key')).code, 0);
  assert.equal((await one.exec('newleaf-container', 'alive')).code, 0);
});

test('a second container on the same volume touches nothing, whatever it is asked for', async (t) => {
  const { volumes } = await setUp(t);
  const one = await serving(t, 'one', volumes);
  const keys = () => execFileSync('find', [join(volumes.state, 'tokens'), '-name', '*.object']).toString();
  const before = keys();
  const two = new Container(t, engine, 'two', volumes);
  assert.equal((await two.says('ended')).code, 'NL-DAEMON-RUNS', JSON.stringify(two.lines));
  await two.kill('TERM');
  await two.ended;
  for (const args of [['decommission', '--yes'], ['init', '--yes', '--ask'], ['roll'], ['csr']]) {
    const { code, out, err } = await only(engine, volumes, args);
    assert.notEqual(code, 0, `${args.join(' ')}: ${out}${err}`);
    assert.match(err, /NL-DAEMON-RUNS|NL-CONTROL-GONE/, args.join(' '));
  }
  assert.equal(keys(), before);
  assert.equal((await one.newleaf('roll', '--wait')).code, 0, 'the first one goes on');
});

test('a daemon that hangs is ended, so that the engine starts the container again', async (t) => {
  const { volumes } = await setUp(t);
  const one = await serving(t, 'one', volumes);
  assert.equal((await one.exec('sh', '-c', HANG)).code, 0);
  await one.says('hangs');
  await one.kill('TERM');
  await one.ended;
  await serving(t, 'two', volumes);
});

test('a module that never returns from C_Sign: the container ends by itself, and serves when the module answers', async (t) => {
  const { volumes, far } = await setUp(t);
  const faulty = faultyModule(volumes.state);
  execFileSync('chown', ['-R', `${USER}:${USER}`, faulty.commands]);
  const file = join(volumes.configuration, 'newleaf.toml');
  const toml = readFileSync(file, 'utf8');
  assert.match(toml, /^module = /m);
  writeFileSync(file, toml.replace(/^module = .*$/m, 'module = "/var/lib/newleaf/faulty.so"'));
  const around = [
    `--env=FAULTY_MODULE=${/^module = "([^"]*)"/m.exec(toml)?.[1]}`,
    '--env=FAULTY_DIRECTORY=/var/lib/newleaf/faulty',
  ];
  const one = await serving(t, 'one', volumes, around);
  faulty.delay('C_Sign', FOR_EVER_MS);
  const asked = Date.now();
  assert.equal((await one.newleaf('reprovision')).code, 0);
  await one.says('hangs');
  const seconds = (Date.now() - asked) / 1000;
  assert.ok(seconds < 180, `${seconds} s`);
  assert.equal(await one.ended, 137, one.noise);
  faulty.heal();
  const since = far.log.entries.length;
  const two = await serving(t, 'two', volumes, around);
  await far.log.waitFor({ event: 'connected' }, 60_000, since);
  assert.equal((await two.newleaf('roll', '--wait')).code, 0);
});

test('a container that is started again and again in a fault leaves the token alone for half a minute', async (t) => {
  const { volumes } = await setUp(t);
  rmSync(join(volumes.state, 'tokens'), { recursive: true });
  const one = new Container(t, engine, 'one', volumes);
  await one.says('resting');
  assert.equal(one.lines.find(({ event }) => event === 'ended')?.code, 'NL-TOKEN-MISSING');
  assert.equal(await one.ended, 1);
});

test('a wrong PIN is tried once, however often the container is started', async (t) => {
  const { volumes } = await setUp(t);
  const pin = join(volumes.configuration, 'pin');
  writeFileSync(pin, '0000\n');
  for (const name of ['one', 'two']) {
    const started = new Container(t, engine, name, volumes);
    assert.equal((await started.says('ended')).code, 'NL-TOKEN-PIN');
    await started.kill('TERM');
    assert.equal(await started.ended, 0, started.noise);
  }
  const [refused] = execFileSync('find', [volumes.state, '-name', 'refused-pin.json']).toString().trim().split('\n');
  assert.ok(refused);
});
