import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import { uplinkAdd } from '../../../../agent/cli/uplink/add.ts';
import { uplinkForget } from '../../../../agent/cli/uplink/forget.ts';
import { makeSocketPlace, USUAL_SOCKETS } from '../../../../agent/cli/uplink/place.ts';
import { uplinkRemove } from '../../../../agent/cli/uplink/remove.ts';
import { uplinkSet } from '../../../../agent/cli/uplink/set.ts';
import { SCHEMA } from '../../../../agent/config/schema.ts';
import { failure } from '../../../../agent/failure/failure.ts';
import { GROUP_ID } from '../../control/daemon.ts';
import { scratch } from '../../state/disk.ts';
import { args, stage } from '../stage.ts';
import { gateway, idle } from './gateway.ts';

const skip = process.geteuid?.() !== 0 && 'only root gives files away';
const DAEMON = 4710;
const words = (text: string) => text.replaceAll(/\s+/g, ' ');
const facts = (path: string) => {
  const { mode, uid, gid } = lstatSync(path);
  return [(mode & 0o7777).toString(8), uid, gid];
};

function place(t: TestContext, change: object = {}) {
  const directory = scratch(t);
  const sockets = join(directory, 'run', 'uplink');
  const tmpfiles = join(directory, 'etc', 'tmpfiles.d');
  const where = {
    program: 'sensors',
    sockets,
    owner: { id: DAEMON, name: 'daemon' },
    ownGroup: { id: 4711, name: 'daemons' },
    group: { id: 4713, name: 'plc' },
    ...change,
  };
  return { directory, sockets, tmpfiles, where, record: join(tmpfiles, 'newleaf-uplink-sensors.conf') };
}

describe('root makes the place of a socket', { skip }, () => {
  test('the directories with owner, group and mode, and the same for each boot', async (t) => {
    const { sockets, tmpfiles, where, record } = place(t);
    await makeSocketPlace(where, tmpfiles);
    assert.deepEqual(facts(sockets), ['755', DAEMON, 4711]);
    assert.deepEqual(facts(join(sockets, 'sensors')), ['2750', DAEMON, 4713]);
    assert.deepEqual(facts(record), ['644', 0, 0]);
    assert.equal(
      readFileSync(record, 'utf8'),
      `# For the socket of the program sensors. Made by \`newleaf uplink add\`, removed by \`newleaf uplink remove\`.
d ${sockets} 0755 daemon daemons -
d ${sockets}/sensors 2750 daemon plc -
`,
    );
    // Where there is a directory for sockets already, it stays as it is.
    chmodSync(sockets, 0o700);
    await makeSocketPlace({ ...where, program: 'other' }, tmpfiles);
    assert.deepEqual(facts(sockets), ['700', DAEMON, 4711]);
  });

  test('systemd makes of the file what newleaf has made', async (t) => {
    if (spawnSync('systemd-tmpfiles', ['--version']).error !== undefined) return t.skip('there is no systemd-tmpfiles');
    const numbers = { owner: { id: 2, name: '2' }, ownGroup: { id: 3, name: '3' }, group: { id: 4, name: '4' } };
    const { sockets, tmpfiles, where, record } = place(t, numbers);
    const strange = join(sockets, 'a "b" 100%');
    await makeSocketPlace({ ...where, sockets: strange }, tmpfiles);
    const before = [facts(strange), facts(join(strange, 'sensors'))];
    spawnSync('rm', ['-r', sockets]);
    const { status, stderr } = spawnSync('systemd-tmpfiles', ['--create', record], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    assert.deepEqual([facts(strange), facts(join(strange, 'sensors'))], before);
  });

  test('the usual directory for sockets has a line in the package', () => {
    const packaged = readFileSync(join(import.meta.dirname, '../../../../systemd/newleaf.tmpfiles'), 'utf8');
    assert.ok(packaged.includes(`\nd ${USUAL_SOCKETS} 0755 newleaf newleaf -\n`));
    assert.equal(SCHEMA.uplink.sockets.standard, USUAL_SOCKETS);
  });

  test('the socket that is made in it has the group, also by a daemon that knows no other group', async (t) => {
    const { sockets, tmpfiles, where, directory } = place(t);
    chmodSync(directory, 0o755);
    await makeSocketPlace(where, tmpfiles);
    const path = join(sockets, 'sensors', 'mqtt.sock');
    // A server that ends by itself would take its socket away.
    const code = `process.umask(0o117);
      require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    const daemon = [`--reuid=${DAEMON}`, '--regid=4711', '--clear-groups', process.execPath, '-e', code];
    spawnSync('setpriv', daemon, { cwd: '/', stdio: 'inherit' });
    assert.deepEqual(facts(path), ['660', DAEMON, 4713]);
  });

  test('what was made can be taken back; what was there stays', async (t) => {
    const { sockets, tmpfiles, where, record } = place(t);
    const undo = await makeSocketPlace(where, tmpfiles);
    const again = await makeSocketPlace(where, tmpfiles);
    await again();
    assert.ok(existsSync(record) && existsSync(join(sockets, 'sensors')));
    await undo();
    assert.ok(!existsSync(record) && !existsSync(join(sockets, 'sensors')) && existsSync(sockets));
  });

  describe('a link is not followed', () => {
    const wrong = (error: unknown) => assert.match(String(error), /NL-UPLINK-SOCKET The way to .* has a link in it/);

    test('in the place of the directory, wherever it leads', async (t) => {
      for (const target of ['precious', 'none']) {
        const { directory, sockets, tmpfiles, where, record } = place(t);
        mkdirSync(join(directory, 'precious'), { mode: 0o700 });
        mkdirSync(sockets, { recursive: true });
        chownSync(sockets, DAEMON, 4711);
        symlinkSync(join(directory, target), join(sockets, 'sensors'));
        await makeSocketPlace(where, tmpfiles).then(() => assert.fail(), wrong);
        assert.deepEqual(facts(join(directory, 'precious')), ['700', 0, 0]);
        assert.ok(!existsSync(join(directory, 'none')) && !existsSync(record));
      }
    });

    test('on the way to it', async (t) => {
      const { directory, tmpfiles, where } = place(t);
      mkdirSync(join(directory, 'precious'));
      symlinkSync('precious', join(directory, 'run'));
      await makeSocketPlace(where, tmpfiles).then(() => assert.fail(), wrong);
      assert.deepEqual(readdirSync(join(directory, 'precious')), []);
    });

    test('in the place of the file for the next boot', async (t) => {
      const { directory, tmpfiles, where, record } = place(t);
      mkdirSync(tmpfiles, { recursive: true });
      writeFileSync(join(directory, 'precious'), 'precious');
      symlinkSync(join(directory, 'precious'), record);
      await makeSocketPlace(where, tmpfiles);
      assert.equal(readFileSync(join(directory, 'precious'), 'utf8'), 'precious');
      assert.ok(lstatSync(record).isFile());
    });
  });

  test('a directory of another user is not given away', async (t) => {
    const { sockets, tmpfiles, where } = place(t);
    mkdirSync(join(sockets, 'sensors'), { recursive: true });
    chownSync(join(sockets, 'sensors'), 4799, 4799);
    await assert.rejects(makeSocketPlace(where, tmpfiles), /NL-UPLINK-SOCKET .*it belongs to the user 4799/);
    assert.deepEqual(facts(join(sockets, 'sensors')), ['755', 4799, 4799]);
  });

  test('where the file cannot be written, nothing is left, and a key is another way', async (t) => {
    const { sockets, tmpfiles, where, record } = place(t);
    mkdirSync(record, { recursive: true });
    await assert.rejects(makeSocketPlace(where, tmpfiles), /NL-UPLINK-SOCKET .*cannot be written: without it .* --key/);
    assert.equal(existsSync(join(sockets, 'sensors')), false);
  });
});

describe('sudo newleaf uplink', { skip }, () => {
  const stdin = new PassThrough();
  const add = (config: string, ...more: string[]) => args('uplink', 'add', 'sensors', ...more, '--config', config);
  const remove = (config: string) => args('uplink', 'remove', 'sensors', '--yes', '--config', config);

  test('add: for the group of the daemon, which is the one of its socket', async (t) => {
    const { config, machine, sockets, tmpfiles } = await gateway(t);
    const io = stage();
    assert.equal(await uplinkAdd(machine)(add(config), io), 0);
    assert.deepEqual(facts(join(sockets, 'sensors')), ['2750', 0, GROUP_ID]);
    assert.match(readFileSync(join(tmpfiles, 'newleaf-uplink-sensors.conf'), 'utf8'), /sensors 2750 0 newleaf -$/m);
    assert.match(io.out.text, /^usermod -aG newleaf USER$/m);
  });

  test('add --group, and remove', async (t) => {
    const { config, machine, sockets, tmpfiles } = await gateway(t);
    const io = stage();
    assert.equal(await uplinkAdd(machine)(add(config, '--group', 'sensors'), io), 0);
    assert.deepEqual(facts(join(sockets, 'sensors')), ['2750', 0, 4713]);
    assert.match(io.out.text, /^usermod -aG sensors USER$/m);
    assert.equal(await uplinkRemove(stdin, { ...machine, isRoot: () => false })(remove(config), io), 1);
    assert.match(
      words(io.err.text),
      /^Only root can remove .* Nothing was removed\. → newleaf uplink remove sensors $/,
    );
    assert.equal(await uplinkRemove(stdin, machine)(remove(config), stage()), 0);
    assert.deepEqual([readdirSync(sockets), readdirSync(tmpfiles)], [[], []]);
  });

  test('set, forget and remove: root agrees by a file of its own, for as long as the daemon is asked', async (t) => {
    const seen: [string | undefined, readonly string[]][] = [];
    const change = async (body: unknown) => {
      seen.push([Object.keys(body as object)[0], readdirSync(it.tmpfiles)]);
      return { status: 200, body: { ...idle(), socket: '/run/x', lost: 0, sessions: 0, messages: 0 } };
    };
    const status = () => (seen.length > 0 ? { programs: [idle()], rate: 20, isThrottled: false } : undefined);
    const it = await gateway(t, [], {}, { uplink: { status, change } });
    const { config, machine } = it;
    const set = args('uplink', 'set', 'sensors', '--rate', '5', '--config', config);
    await uplinkAdd(machine)(add(config), stage());
    assert.equal(await uplinkSet(machine)(set, stage()), 0);
    assert.equal(await uplinkSet({ ...machine, isRoot: () => false })(set, stage()), 0);
    assert.equal(await uplinkForget(machine)(args('uplink', 'forget', 'sensors', '--config', config), stage()), 0);
    assert.equal(await uplinkRemove(stdin, machine)(remove(config), stage()), 0);
    const [record, agreement] = ['newleaf-uplink-sensors.conf', 'newleaf-uplink-sensors.conf.agreed'];
    assert.deepEqual(seen, [
      ['add', [record]],
      ['set', [record, agreement]],
      ['set', [record]],
      ['forget', [record, agreement]],
      ['remove', [record, agreement]],
    ]);
    assert.deepEqual(readdirSync(it.tmpfiles), []);
  });

  test('a removal that was interrupted is finished', async (t) => {
    const { config, machine, tmpfiles, sockets, programs } = await gateway(t);
    await uplinkAdd(machine)(add(config), stage());
    programs.clear();
    const io = stage();
    assert.equal(await uplinkRemove(stdin, machine)(remove(config), io), 0);
    assert.doesNotMatch(io.out.text, /lost/);
    assert.deepEqual([readdirSync(sockets), readdirSync(tmpfiles)], [[], []]);
  });

  test('an unknown group: 2, and how it is made', async (t) => {
    const { config, machine, changes, sockets } = await gateway(t);
    const io = stage();
    assert.equal(await uplinkAdd(machine)(add(config, '--group', 'plc'), io), 2);
    assert.match(
      words(io.err.text),
      /^There is no group "plc" in .* → `groupadd --system plc`; then .* `usermod -aG plc USER` $/,
    );
    const odd = stage();
    assert.equal(await uplinkAdd(machine)(add(config, '--group', 'a b'), odd), 2);
    assert.doesNotMatch(odd.err.text, /groupadd/);
    assert.deepEqual([changes, existsSync(sockets)], [[], false]);
  });

  test('add --key makes no directory', async (t) => {
    const { config, machine, sockets, tmpfiles } = await gateway(t);
    assert.equal(await uplinkAdd(machine)(add(config, '--key'), stage()), 0);
    assert.deepEqual([existsSync(sockets), readdirSync(tmpfiles)], [false, []]);
  });

  test('a program that is there keeps its directory', async (t) => {
    const { config, machine, sockets } = await gateway(t);
    assert.equal(await uplinkAdd(machine)(add(config, '--group', 'sensors'), stage()), 0);
    const before = facts(join(sockets, 'sensors'));
    assert.equal(await uplinkAdd(machine)(add(config), stage()), 1);
    assert.deepEqual(facts(join(sockets, 'sensors')), before);
  });

  test('a program whose socket cannot be opened gets its directory again, and keeps it', async (t) => {
    const { config, machine, sockets, tmpfiles } = await gateway(t, [idle({ trouble: failure('NL-UPLINK-SOCKET') })]);
    const io = stage();
    assert.equal(await uplinkAdd(machine)(add(config, '--group', 'sensors'), io), 1);
    assert.match(
      words(io.err.text),
      /^NL-UPLINK-SOCKET The directory .* is right now\. .* → systemctl restart newleaf $/,
    );
    assert.deepEqual(facts(join(sockets, 'sensors')), ['2750', 0, 4713]);
    assert.deepEqual(readdirSync(tmpfiles), ['newleaf-uplink-sensors.conf']);
  });

  test('where the daemon does not run, nothing is made: 5', async (t) => {
    const { config, machine, sockets, tmpfiles, close } = await gateway(t);
    await close();
    assert.equal(await uplinkAdd(machine)(add(config), stage()), 5);
    assert.deepEqual([existsSync(sockets), readdirSync(tmpfiles)], [false, []]);
  });

  test('where the daemon refuses a new program, nothing is left', async (t) => {
    const change = async () => ({ status: 500, body: failure('NL-UPLINK-DISK') });
    const { config, machine, sockets, tmpfiles } = await gateway(
      t,
      [],
      {},
      { uplink: { status: () => undefined, change } },
    );
    const io = stage();
    assert.equal(await uplinkAdd(machine)(add(config), io), 1);
    assert.match(io.err.text, /^NL-UPLINK-DISK /);
    assert.deepEqual([readdirSync(sockets), readdirSync(tmpfiles)], [[], []]);
  });
});
