import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { Keyboard } from '../../../../agent/cli/kit/prompt.ts';
import { uplinkAdd } from '../../../../agent/cli/uplink/add.ts';
import { uplinkForget } from '../../../../agent/cli/uplink/forget.ts';
import { run as list } from '../../../../agent/cli/uplink/list.ts';
import { uplinkRemove } from '../../../../agent/cli/uplink/remove.ts';
import { uplinkSet } from '../../../../agent/cli/uplink/set.ts';
import { uplinkShow } from '../../../../agent/cli/uplink/show.ts';
import { failure } from '../../../../agent/failure/failure.ts';
import { scratch } from '../../state/disk.ts';
import { args, configIn, stage } from '../stage.ts';
import { gateway, idle, KEY, programWith } from './gateway.ts';

const noRoot = { isRoot: () => false };
const keyboard = (typed?: string): Keyboard =>
  typed === undefined ? new PassThrough() : Object.assign(new PassThrough().end(`${typed}\n`), { isTTY: true });
const words = (text: string) => stripVTControlCharacters(text).replaceAll(/\s+/g, ' ');

describe('without root', () => {
  test('add: the daemon is asked, and what to paste is printed', async (t) => {
    const { line, machine, changes, directory } = await gateway(t, [], noRoot);
    const io = stage();
    assert.equal(await uplinkAdd(machine)(line('add', 'sensors'), io), 0);
    assert.deepEqual(changes, [{ add: 'sensors', key: false }]);
    assert.ok(io.out.text.includes(`mosquitto_pub --unix ${directory}/uplink/sensors/mqtt.sock `));
    assert.equal(existsSync(join(directory, 'uplink')), false);
  });

  test('add --key', async (t) => {
    const { line, machine, changes } = await gateway(t, [], noRoot);
    const io = stage();
    assert.equal(await uplinkAdd(machine)(line('add', 'tele', '--key'), io), 0);
    assert.deepEqual(changes, [{ add: 'tele', key: true }]);
    assert.ok(io.out.text.includes(`;SharedAccessKey=${KEY};`));
  });

  test('add --key --again: a new key for the program that is there; --again alone is a slip', async (t) => {
    const { line, machine, changes, programs } = await gateway(t, [], noRoot);
    assert.equal(await uplinkAdd(machine)(line('add', 'tele', '--again'), stage()), 2);
    await uplinkAdd(machine)(line('add', 'tele', '--key', '--again'), stage());
    assert.deepEqual(changes, [{ add: 'tele', key: true, again: true }]);
    assert.equal(programs.size, 1);
  });

  test('add with bounds, and set, which changes those that are named; `default` takes one away', async (t) => {
    const { line, machine, changes } = await gateway(t, [idle()], noRoot);
    const bounds = ['--max-bytes', '8MiB', '--max-age', '2day', '--rate', '5', '--priority', 'bulk'];
    assert.equal(await uplinkAdd(machine)(line('add', 'log', ...bounds), stage()), 0);
    const io = stage();
    assert.equal(await uplinkSet(machine)(line('set', 'sensors', '--rate', 'default', '--priority', 'high'), io), 0);
    const terms = { maxBytes: 8 * 2 ** 20, maxAgeMs: 2 * 86_400_000, rate: 5, priority: 'bulk' };
    assert.deepEqual(changes, [
      { add: 'log', key: false, terms },
      { set: 'sensors', terms: { rate: null, priority: 'high' } },
    ]);
    assert.match(io.out.text, /^● sensors: by its socket/);
  });

  test('bounds that are none: 2, and the daemon is not asked', async (t) => {
    const { line, machine, changes } = await gateway(t, [idle()], noRoot);
    for (const [wrong, said] of [
      [['--max-bytes', '8'], /--max-bytes must be a number with its unit \(KiB, MiB, GiB\), .*, or "default"\./],
      [['--max-age', '5'], /--max-age must be a number with its unit \(s, min, hour, day\)/],
      [['--rate', '0.5'], /--rate must be a whole number from 1 to 1000/],
      [['--rate', 'x'], /--rate must be a whole number/],
      [['--priority', 'low'], /--priority must be one of high, normal, bulk, or "default"\./],
      [[], /What is to be set\? --max-bytes, --max-age, --rate, --priority\./],
    ] as const) {
      const io = stage();
      assert.equal(await uplinkSet(machine)(line('set', 'sensors', ...wrong), io), 2);
      assert.match(words(io.err.text), said);
    }
    assert.deepEqual(changes, []);
  });

  test('add --group needs root: 2, and the daemon is not asked', async (t) => {
    const { line, machine, changes } = await gateway(t, [], noRoot);
    const io = stage();
    assert.equal(await uplinkAdd(machine)(line('add', 'sensors', '--group', 'sensors'), io), 2);
    assert.match(words(io.err.text), /^Only root .* → newleaf uplink add sensors --group sensors $/);
    assert.deepEqual(changes, []);
  });

  test('add --group in a container: its engine knows groups by number', async (t) => {
    const { line, machine, changes } = await gateway(t, [], { isContained: true });
    const io = stage();
    assert.equal(await uplinkAdd(machine)(line('add', 'sensors', '--group', 'sensors'), io), 2);
    assert.match(words(io.err.text), /^A container knows no group .* `newleaf uplink add sensors` prints how/);
    assert.deepEqual(changes, []);
  });

  test('add: a refusal has the words of the daemon', async (t) => {
    const { line, machine } = await gateway(t, [idle()], noRoot);
    const io = stage();
    assert.equal(await uplinkAdd(machine)(line('add', 'sensors'), io), 1);
    assert.match(io.err.text, /^NL-UPLINK-PROGRAM There is a program sensors already\.\n→ /);
    assert.equal(io.out.text, '');
  });
});

test('forget: the daemon ends the sessions of clients that are away, and says what was dropped', async (t) => {
  const { line, changes } = await gateway(t, [programWith({ inbox: 3 })]);
  const io = stage();
  assert.equal(await uplinkForget()(line('forget', 'sensors'), io), 0);
  assert.deepEqual(changes, [{ forget: 'sensors' }]);
  assert.match(
    words(io.out.text),
    /^sensors: Ended: 2 sessions of clients that are away\. Dropped: 3 messages from the cloud\./,
  );
});

test('a name that is none is refused before anything is read', async () => {
  for (const name of ['../etc', 'a b', '', '.x', 'x'.repeat(33)]) {
    for (const run of [uplinkAdd(), uplinkShow(), uplinkSet(), uplinkForget(), uplinkRemove(keyboard())]) {
      const io = stage();
      const line = { command: 'uplink add', options: { config: '/none.toml', yes: true }, positionals: [name] };
      assert.equal(await run(line, io), 1);
      assert.match(io.err.text, /^NL-UPLINK-PROGRAM /);
    }
  }
});

test('a daemon that does not run: 5', async (t) => {
  const config = configIn(scratch(t));
  for (const [run, ...words] of [
    [list, 'list'],
    [uplinkShow(), 'show', 'sensors'],
    [uplinkRemove(keyboard()), 'remove', 'sensors', '--yes'],
  ] as const) {
    const io = stage();
    assert.equal(await run(args('uplink', ...words, '--config', config), io), 5);
    assert.match(io.err.text, /^NL-DAEMON-DOWN The daemon does not run/);
  }
});

describe('list', () => {
  async function listed(t: TestContext, programs: Parameters<typeof gateway>[1], ...more: readonly string[]) {
    const { line } = await gateway(t, programs);
    const io = stage();
    const exit = await list(line('list', ...more), io);
    return { exit, text: io.out.text };
  }

  test('no programs: 0, and how one is made', async (t) => {
    const { exit, text } = await listed(t, []);
    assert.equal(exit, 0);
    assert.equal(text, 'There are no programs of this gateway.\n→ newleaf uplink add NAME\n');
  });

  test('a trouble that does not pass by itself: 1', async (t) => {
    const { exit, text } = await listed(t, [
      idle(),
      programWith({ name: 'plc', trouble: failure('NL-UPLINK-SOCKET') }),
    ]);
    assert.equal(exit, 1);
    assert.match(text, /NL-UPLINK-SOCKET/);
    assert.equal((await listed(t, [programWith({ trouble: failure('NL-UPLINK-THROTTLED') })])).exit, 0);
  });

  test('--json: what the daemon tells, in one line', async (t) => {
    const program = programWith();
    const { exit, text } = await listed(t, [program], '--json');
    assert.equal(exit, 0);
    assert.deepEqual(JSON.parse(text), {
      schema: 1,
      at: '2026-11-25T13:49:53.000Z',
      programs: [program],
      rate: 20,
      isThrottled: false,
    });
    assert.deepEqual(JSON.parse((await listed(t, [], '--json')).text).programs, []);
  });
});

describe('show', () => {
  test('counts, and what to paste', async (t) => {
    const { line, machine } = await gateway(t, [programWith({ name: 'tele', connects: 'key' })]);
    const io = stage();
    assert.equal(await uplinkShow(machine)(line('show', 'tele'), io), 0);
    assert.match(io.out.text, /^● tele: by its key, 1 connection\n {2}12 messages wait for the hub/);
    assert.ok(io.out.text.includes(`SharedAccessKey=${KEY};`));
  });

  test('--json has the key', async (t) => {
    const { line, machine } = await gateway(t, [idle({ name: 'tele', connects: 'key' })]);
    const io = stage();
    assert.equal(await uplinkShow(machine)(line('show', 'tele', '--json'), io), 0);
    const { schema, name, key, tcp } = JSON.parse(io.out.text);
    assert.deepEqual([schema, name, key, tcp], [1, 'tele', KEY, '127.0.0.1:8883']);
  });
});

test('an answer that says no reason is told by its number', async (t) => {
  for (const body of [[], {}, { code: 'NL-OTHER' }]) {
    const change = async () => ({ status: 418, body });
    const { config, machine } = await gateway(t, [idle()], noRoot, { uplink: { status: () => undefined, change } });
    const io = stage();
    assert.equal(await uplinkShow(machine)(args('uplink', 'show', 'sensors', '--config', config), io), 1);
    assert.match(words(io.err.text), /^NL-INTERNAL The daemon answered 418\. /);
  }
});

describe('remove', () => {
  test('tells what is lost, and goes on when the name is typed', async (t) => {
    const { line, machine, programs } = await gateway(t, [programWith({ inbox: 1 })]);
    const io = stage();
    assert.equal(await uplinkRemove(keyboard('sensors'), machine)(line('remove', 'sensors'), io), 0);
    const told = words(io.out.text);
    assert.match(
      told,
      /^This removes the program sensors with its socket\. It destroys for good what waits: 12 messages for the hub \(3\.4 KiB\) and 1 message for the program\. Type sensors to go on: /,
    );
    assert.match(told, /The program sensors is removed\. With it 12 messages for the hub are lost\. $/);
    assert.equal(programs.size, 0);
  });

  test('another answer: 1, and all stays', async (t) => {
    for (const typed of ['y', '']) {
      const { line, machine, changes } = await gateway(t, [programWith()]);
      const io = stage();
      assert.equal(await uplinkRemove(keyboard(typed), machine)(line('remove', 'sensors'), io), 1);
      assert.match(io.err.text, /Nothing was removed\.\n$/);
      assert.deepEqual(changes, []);
    }
  });

  test('--yes does not ask; without a terminal it is needed: 2', async (t) => {
    const { line, machine, programs } = await gateway(t, [idle()]);
    const io = stage();
    assert.equal(await uplinkRemove(keyboard(), machine)(line('remove', 'sensors'), io), 2);
    assert.match(io.err.text, /→ newleaf uplink remove sensors --yes\n$/);
    assert.equal(programs.size, 1);
    assert.equal(await uplinkRemove(keyboard(), machine)(line('remove', 'sensors', '--yes'), stage()), 0);
    assert.equal(programs.size, 0);
  });

  test('a program that is not there: the words of the daemon', async (t) => {
    const { line, machine } = await gateway(t);
    const io = stage();
    assert.equal(await uplinkRemove(keyboard(), machine)(line('remove', 'sensors', '--yes'), io), 1);
    assert.match(io.err.text, /^NL-UPLINK-PROGRAM There is no program sensors\./);
  });
});
