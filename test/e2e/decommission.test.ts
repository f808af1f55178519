import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startSimulator } from '../simulator/simulator.ts';
import { Terminal } from '../unit/terminal.ts';
import { prints } from './arrow.ts';
import { begin, factoryScene } from './roll/scene.ts';
import { BUNDLE, Gateway } from './stage/gateway.ts';
import { PATIENCE_MS } from './stage/site.ts';

/** State and token of a gateway that is not running. */
function snapshotOf(gateway: Gateway, t: TestContext): { restore(): void; isAsBefore(): void } {
  const copy = mkdtempSync(join(tmpdir(), 'newleaf-snapshot-'));
  t.after(() => rmSync(copy, { recursive: true }));
  const places = [gateway.stateDirectory, join(gateway.token.hsm.directory, 'tokens')];
  for (const [index, place] of places.entries()) cpSync(place, join(copy, String(index)), { recursive: true });
  const keys = gateway.token.privateKeys();
  const state = readFileSync(join(gateway.stateDirectory, 'state.json'), 'utf8');
  return {
    restore() {
      for (const [index, place] of places.entries()) {
        rmSync(place, { recursive: true });
        cpSync(join(copy, String(index)), place, { recursive: true });
      }
    },
    isAsBefore() {
      assert.deepEqual(gateway.token.privateKeys(), keys);
      assert.equal(readFileSync(join(gateway.stateDirectory, 'state.json'), 'utf8'), state);
    },
  };
}

/** What newleaf has made is gone, and nothing else is. */
function isGone({ stateDirectory, token }: Gateway): void {
  // The lock of a daemon that has looked may be left: an empty file.
  const left = existsSync(stateDirectory) ? readdirSync(stateDirectory).filter((name) => name !== 'daemon.lock') : [];
  assert.deepEqual(left.toSorted(), ['of-somebody-else', 'state.json']);
  assert.match(readFileSync(join(stateDirectory, 'state.json'), 'utf8'), /"ended":true,"gone":true/);
  const objects = token
    .ask('--list-objects')
    .toString()
    .match(/^\S.* Object/gm);
  assert.deepEqual(objects, null);
}

test('a key that was there before newleaf stays', async (t) => {
  const { gateway, ...at } = await factoryScene(t);
  await at.far.enrollGroup({ groupId: 'factory', primary: at.far.endpoints.issuerPem });
  await begin({ gateway, ...at });
  await gateway.post('/v1/roll', { id: 'roll' });
  await gateway.until(({ last }) => last?.id === 'roll');
  assert.deepEqual(gateway.token.privateKeys(), ['factory', 'newleaf-a']);
  await gateway.stop();
  await prints(gateway, ['decommission'], 'cannot be asked', ['newleaf decommission --yes']);
  // By its label it is newleaf's, by the records it may be another device's.
  gateway.token.ask('--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'newleaf-b', '--id', 'beef');
  const { code, out } = await gateway.command('decommission', '--yes');
  assert.equal(code, 0);
  assert.match(out.replaceAll(/\s+/g, ' '), /key newleaf-b .*: the records .* `newleaf decommission --key-id beef`/);
  assert.deepEqual(gateway.token.privateKeys(), ['factory', 'newleaf-b']);
  const another = await gateway.command('decommission', '--yes');
  assert.match(another.out, /^There is nothing here that newleaf has made/);
  const named = await gateway.command('decommission', '--yes', '--key-id', 'BEEF');
  assert.equal(named.code, 0, named.err);
  assert.match(out, /It leaves alone:\n {2}key factory in token "newleaf": it was there before newleaf \(hsm\.key\)/);
  assert.match(out, /But the key factory in token "newleaf" stays/);
  assert.deepEqual(gateway.token.privateKeys(), ['factory']);
  assert.match(gateway.token.ask('--list-objects', '--type', 'cert').toString(), /label: +factory/);
  assert.deepEqual(readdirSync(gateway.stateDirectory), ['state.json']);
});

test('decommission', async (t) => {
  const far = await startSimulator();
  const gateway = new Gateway(far.endpoints, {
    nodeOptions: ['--require', join(import.meta.dirname, 'stage', 'preload-cut.cjs')],
  });
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  const { stateDirectory } = gateway;

  // Two keys, two leaves, and all that newleaf ever writes.
  await gateway.start();
  await gateway.until(({ next }) => next?.standing === 'parked');
  const next = readFileSync(join(stateDirectory, 'next.pem'), 'utf8');
  await far.enrollIndividual({ registrationId: gateway.registrationId, primary: next });
  await gateway.post('/v1/reprovision');
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
  await gateway.post('/v1/roll');
  await gateway.until(({ next }) => next?.standing === 'parked');
  writeFileSync(join(stateDirectory, 'inbox', 'wrong.pem'), 'no leaf');
  await gateway.log.waitFor(({ path }) => String(path).includes('wrong.pem'), { timeoutMs: PATIENCE_MS });

  await t.test('while the daemon runs: refused, and told how to stop it', async () => {
    const { code, err } = await gateway.command('decommission', '--yes');
    assert.equal(code, 1);
    assert.match(err, /^NL-DAEMON-RUNS The daemon runs\. Nothing was destroyed\.\n.*systemctl disable --now newleaf/);
    assert.equal((await gateway.status()).online, true);
    const unasked = await gateway.command('decommission');
    assert.equal(unasked.code, 1, 'it is the first thing to know');
    assert.match(unasked.err, /^NL-DAEMON-RUNS /);
  });

  await gateway.stop();
  for (const name of ['.leaf.pem.new', 'refused-pin.json.new', 'command-cookie', 'of-somebody-else']) {
    writeFileSync(join(stateDirectory, name), '');
  }
  const { restore, isAsBefore } = snapshotOf(gateway, t);

  await t.test('nobody to ask: 2, and nothing is touched', async () => {
    const { code, err } = await gateway.command('decommission');
    assert.equal(code, 2);
    assert.match(err, /^The question cannot be asked.*\n.* newleaf decommission --yes\n$/);
    isAsBefore();
  });

  const settings = readFileSync(gateway.configuration, 'utf8');
  const withSetting = async (key: string, value: string, work: () => Promise<void>) => {
    writeFileSync(gateway.configuration, settings.replace(new RegExp(`^${key} = .*$`, 'm'), `${key} = ${value}`));
    await work();
    writeFileSync(gateway.configuration, settings);
  };

  await t.test('wrong PIN: 4, and nothing is touched', () =>
    withSetting('hsm.pin_file', gateway.file('wrong-pin', '4321\n', 0o600), async () => {
      const { code, err } = await gateway.command('decommission', '--yes');
      assert.equal(code, 4);
      assert.match(err, /^NL-TOKEN-PIN [\s\S]*Nothing was destroyed/);
      isAsBefore();
    }),
  );

  await t.test('no token: 1, what that means, and nothing is touched', () =>
    withSetting('hsm.token', '"elsewhere"', async () => {
      const { code, err } = await gateway.command('decommission', '--yes');
      assert.equal(code, 1);
      assert.match(
        err.replaceAll(/\s+/g, ' '),
        /^NL-TOKEN-MISSING .* Nothing was destroyed\. .* If it is lost for good, so are its keys: `newleaf decommission --token-lost`/,
      );
      isAsBefore();
    }),
  );

  await t.test('on a terminal: shown, and asked for; another word is a no', { timeout: PATIENCE_MS }, async () => {
    const { environment } = gateway.token.hsm;
    const env = { ...environment, NEWLEAF_CONFIG: gateway.configuration, NO_COLOR: '1' };
    const argv = [process.env.NEWLEAF_TEST_NODE ?? process.execPath, BUNDLE, 'decommission'];
    const no = new Terminal(t, argv, { env });
    await no.screen.shows('Type gw-0001 to go on: ');
    assert.match(no.screen.text, /key newleaf-a \(id [0-9a-f]{32}\) in token "newleaf"/);
    assert.match(no.screen.text, /next\.pem, csr, inbox, rejected/);
    no.type('gw-0002\n');
    assert.equal(await no.ended, 1);
    isAsBefore();
    const left = new Terminal(t, argv, { env });
    await left.screen.shows('Type gw-0001 to go on: ');
    left.type('\u0003');
    assert.equal(await left.ended, 1);
    assert.match(left.screen.text, /\nInterrupted\. Nothing was destroyed\./);
    isAsBefore();
    const yes = new Terminal(t, argv, { env });
    await yes.screen.shows('Type gw-0001 to go on: ');
    yes.type('gw-0001\n');
    assert.equal(await yes.ended, 0);
    assert.match(yes.screen.text, /scripts\/enroll forget gw-0001/);
    isGone(gateway);
  });

  await t.test('once more: there is nothing', async () => {
    const { code, out } = await gateway.command('decommission', '--yes');
    assert.deepEqual([code, out], [0, 'There is nothing here that newleaf has made.\n']);
  });

  await t.test('a machine that starts again: the daemon makes nothing new', async () => {
    const { code, out } = await gateway.command('run');
    assert.equal(code, 4);
    assert.match(out, /NL-STATE-DECOMMISSIONED/);
    isGone(gateway);
  });

  await t.test('neither status nor check tells anybody to start it', async () => {
    const [status, check] = [await gateway.command('status'), await gateway.command('check', 'state-file', 'socket')];
    assert.deepEqual([status.code, check.code], [4, 1]);
    for (const said of [status.err, check.out]) {
      assert.match(said.replaceAll(/\s+/g, ' '), /This gateway was given up .* Leave newleaf off: /);
      assert.doesNotMatch(said, /systemctl\s+start/);
    }
  });

  await t.test('a damaged state file stands in no way', async () => {
    restore();
    writeFileSync(join(stateDirectory, 'state.json'), '{"format":3,');
    assert.equal((await gateway.command('decommission', '--yes')).code, 0);
    isGone(gateway);
  });

  await t.test(
    'power is cut before each step: the daemon keeps its hands off, and the same command finishes',
    async (t) => {
      const [cut, points] = [`${gateway.configuration}.cut`, `${gateway.configuration}.points`];
      const cutAt = async (number: number) => {
        rmSync(points, { force: true });
        writeFileSync(cut, String(number));
        restore();
        const ended = await gateway.command('decommission', '--yes');
        rmSync(cut);
        return { ended, done: readFileSync(points, 'utf8').trim().split('\n') };
      };
      const { ended, done: all } = await cutAt(0);
      assert.equal(ended.code, 0);
      t.diagnostic(all.join(' · '));
      assert.ok(all.filter((what) => what.startsWith('C_DestroyObject')).length >= 5, 'two pairs and a certificate');
      for (const [index, what] of all.entries()) {
        const { ended } = await cutAt(index + 1);
        assert.equal(ended.code, null, what);
        // What was done to the disk decides, not what the cut had reached.
        const isEnded = () => readFileSync(join(stateDirectory, 'state.json'), 'utf8').includes('"ended":true');
        if (!existsSync(join(stateDirectory, 'state.json'))) {
          // Nothing is left but the lock of the process that was cut off.
          assert.equal((await gateway.command('decommission', '--yes')).code, 0, what);
          isGone(gateway);
          continue;
        }
        if (!isEnded()) isAsBefore();
        // The state file alone keeps the daemon off, so a few of them will do.
        else if (index % 4 === 0) {
          const { code, out } = await gateway.command('run');
          assert.equal(code, 4, what);
          assert.match(out, /NL-STATE-DECOMMISSIONED/, what);
          assert.ok(isEnded(), what);
        }
        assert.equal((await gateway.command('decommission', '--yes')).code, 0, what);
        isGone(gateway);
      }
    },
  );

  await t.test('status of a gateway that is half given up says so', async () => {
    writeFileSync(
      join(stateDirectory, 'state.json'),
      '{"format":3,"written":"2026-11-25T00:00:00.000Z","ended":true}\n',
    );
    const { code, err } = await gateway.command('status');
    assert.equal(code, 4);
    assert.match(err, /^NL-STATE-DECOMMISSIONED [\s\S]*did not come to its end: run `newleaf decommission` again/);
    assert.equal((await gateway.command('decommission', '--yes')).code, 0);
  });

  await t.test('its token is lost half way: what is printed finishes it', async () => {
    restore();
    writeFileSync(
      join(stateDirectory, 'state.json'),
      '{"format":3,"written":"2026-11-25T00:00:00.000Z","ended":true}\n',
    );
    const tokens = join(gateway.token.hsm.directory, 'tokens');
    rmSync(tokens, { recursive: true });
    const commands = ['newleaf decommission', 'newleaf decommission --token-lost'];
    await prints(gateway, ['decommission', '--yes'], 'NL-TOKEN-', commands);
    const { code, out, err } = await gateway.command('decommission', '--token-lost', '--yes');
    assert.equal(code, 0, err);
    assert.match(out, /It leaves alone:\n {2}the token, which is not there/);
    mkdirSync(tokens);
    assert.match(readFileSync(join(stateDirectory, 'state.json'), 'utf8'), /"gone":true/);
    assert.deepEqual(readdirSync(stateDirectory).toSorted(), ['of-somebody-else', 'state.json']);
  });
});
