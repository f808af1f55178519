import assert from 'node:assert/strict';
import { chmodSync, chownSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { uplinkAdd } from '../../../../agent/cli/uplink/add.ts';
import { uplinkRemove } from '../../../../agent/cli/uplink/remove.ts';
import { failure } from '../../../../agent/failure/failure.ts';
import { differenceFrom } from '../../../../agent/machine/program-directory.ts';
import { args, stage } from '../stage.ts';
import { gateway, idle } from './gateway.ts';

const skip = process.geteuid?.() !== 0 && 'only root gives files away';
const stdin = new PassThrough();
const add = (config: string, ...more: string[]) => args('uplink', 'add', 'sensors', ...more, '--config', config);
const remove = (config: string) => args('uplink', 'remove', 'sensors', '--yes', '--config', config);

describe('sudo newleaf uplink, and the outcome is not known', { skip }, () => {
  for (const [what, code, list] of [
    ['has added the program, and its answer is lost', 'NL-INTERNAL', ['sensors']],
    ['dies, so that it is not known', 'NL-DAEMON-DOWN', undefined],
  ] as const) {
    test(`where the daemon ${what}, the place is not undone`, async (t) => {
      let asked = 0;
      const told = () => {
        asked += 1;
        if (asked === 1) return undefined;
        if (list === undefined) throw new Error('it is dead');
        return { programs: list.map((name) => idle({ name })), rate: 20, isThrottled: false };
      };
      const change = async () => ({ status: 500, body: failure(code) });
      const { config, machine, sockets, tmpfiles } = await gateway(t, [], {}, { uplink: { status: told, change } });
      assert.notEqual(await uplinkAdd(machine)(add(config, '--group', 'sensors'), stage()), 0);
      assert.deepEqual(readdirSync(tmpfiles), ['newleaf-uplink-sensors.conf']);
      assert.equal(lstatSync(join(sockets, 'sensors')).gid, 4713);
    });
  }

  test('where the daemon does not remove the program, its record is there again', async (t) => {
    const change = async (body: unknown) =>
      'remove' in (body as object)
        ? { status: 500, body: failure('NL-UPLINK-DISK') }
        : { status: 200, body: { ...idle(), socket: '/run/x' } };
    const status = () => (isAdded ? { programs: [idle()], rate: 20, isThrottled: false } : undefined);
    let isAdded = false;
    const { config, machine, tmpfiles } = await gateway(t, [], {}, { uplink: { status, change } });
    await uplinkAdd(machine)(add(config), stage());
    isAdded = true;
    const record = join(tmpfiles, 'newleaf-uplink-sensors.conf');
    const before = readFileSync(record, 'utf8');
    assert.equal(await uplinkRemove(stdin, machine)(remove(config), stage()), 1);
    assert.equal(readFileSync(record, 'utf8'), before);
  });
});

test('the place of a program is compared with the record of root: owner, group and mode', { skip }, async (t) => {
  const { config, machine, sockets, tmpfiles } = await gateway(t);
  await uplinkAdd(machine)(add(config, '--group', 'sensors'), stage());
  const [record, directory] = [join(tmpfiles, 'newleaf-uplink-sensors.conf'), join(sockets, 'sensors')];
  // Its group is in a file of the test only.
  writeFileSync(record, readFileSync(record, 'utf8').replace(/ sensors -$/m, ' 4713 -'));
  assert.equal(await differenceFrom(record, directory), undefined);
  assert.equal(await differenceFrom(join(tmpfiles, 'none'), directory), undefined);
  assert.equal(await differenceFrom(record, join(sockets, 'none')), undefined);
  chownSync(directory, 0, 4799);
  chmodSync(directory, 0o2750);
  assert.match(
    (await differenceFrom(record, directory)) ?? '',
    /^it is 2750 of user 0 and group 4799, and not 2750 of 0 and 4713$/,
  );
  chownSync(directory, 0, 4713);
  chmodSync(directory, 0o2755);
  assert.match((await differenceFrom(record, directory)) ?? '', /^it is 2755 /);
});
