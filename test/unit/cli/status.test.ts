import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { askDaemon } from '../../../agent/cli/request/ask-daemon.ts';
import { besideDaemon, socketAt } from '../../../agent/cli/status/beside-daemon.ts';
import { run } from '../../../agent/cli/status/command.ts';
import { daemonPlace } from '../../../agent/cli/status/daemon-place.ts';
import { demandHere } from '../../../agent/cli/status/present.ts';
import { exitOfStatus } from '../../../agent/cli/status/wrong.ts';
import type { Config } from '../../../agent/config/config.ts';
import { Fault, failure } from '../../../agent/failure/failure.ts';
import { entryOf } from '../../../agent/roll/core/entry.ts';
import { blank } from '../../../agent/roll/core/memory.ts';
import type { Status } from '../../../agent/roll/report.ts';
import { validateEntry } from '../../../agent/state/entry.ts';
import { createJournal } from '../../../agent/state/journal.ts';
import { leaveWords } from '../../../agent/state/last-words.ts';
import { takeLock } from '../../../agent/state/lock.ts';
import { daemon } from '../control/daemon.ts';
import { fault, scratch } from '../state/disk.ts';
import { args, configIn, stage, statusWith } from './stage.ts';

describe('exit code', () => {
  const outage = failure('NL-EST-UNREACHABLE');
  const refusal = failure('NL-EST-AUTH');
  const rows: readonly (readonly [name: string, change: Partial<Status>, exit: number])[] = [
    ['online', {}, 0],
    ['online, and the issuer is away', { trouble: outage }, 0],
    ['online, and the issuer refuses', { trouble: refusal }, 1],
    ['online, and the token has failed', { trouble: failure('NL-TOKEN-FAILED') }, 1],
    ['offline', { online: false }, 1],
    ['offline, registering', { online: false, phase: 'registering' }, 0],
    ['offline, registering, DPS away', { online: false, phase: 'registering', trouble: outage }, 1],
    ['offline, no leaf yet', { online: false, phase: 'unprovisioned' }, 1],
    ['stranded', { online: false, phase: 'stranded', trouble: refusal, person: true }, 4],
    ['online, candidate parked', { trouble: refusal, person: true }, 4],
  ];
  for (const [name, change, exit] of rows) test(name, () => assert.equal(exitOfStatus(statusWith(change)), exit));
});

/** A daemon that answers with this status, and the configuration that leads to it. */
async function gateway(t: TestContext, body: object, status = 200) {
  const it = await daemon(t, { answer: async () => ({ status, body }) });
  return { ...it, config: configIn(it.directory) };
}

test('--json prints what the daemon says, in one line', async (t) => {
  const status = statusWith({ person: true });
  const { config } = await gateway(t, status);
  const io = stage();
  assert.equal(await run(args('status', '--json', '--config', config), io), 4);
  assert.equal(io.out.text, `${JSON.stringify(status)}\n`);
  assert.equal(io.err.text, '');
});

test('--json is JSON also where there is no status to tell; the sentence stays', async (t) => {
  const directory = scratch(t);
  const file = join(directory, 'as-installed.toml');
  writeFileSync(file, '[dps]\n');
  for (const [config, code, exit] of [
    [file, 'NL-CONFIG', 2],
    [configIn(directory), 'NL-DAEMON-DOWN', 5],
  ] as const) {
    const io = stage();
    assert.equal(await run(args('status', '--json', '--config', config), io), exit);
    const { failure } = JSON.parse(io.out.text);
    assert.deepEqual(Object.keys(failure), ['code', 'message', 'advice']);
    assert.equal(failure.code, code);
    assert.ok(io.err.text.startsWith(code));
  }
});

test('a daemon that accepts no connection is not said to be down', async (t) => {
  const directory = scratch(t);
  const config = configIn(directory);
  mkdirSync(join(directory, 'run'));
  const full = createServer((one) => one.destroy()).listen(join(directory, 'run', 'control.sock'));
  t.after(() => full.close());
  await once(full, 'listening');
  const io = stage();
  assert.equal(await run(args('status', '--config', config), io), 1);
  assert.match(io.err.text, /^NL-CONTROL-BUSY The daemon runs, and accepts no connection/);
  assert.doesNotMatch(`${io.out.text}${io.err.text}`, /does not run/);
});

test('the screen goes to stdout', async (t) => {
  const { config } = await gateway(t, statusWith());
  const io = stage({ NEWLEAF_CONFIG: config, LANG: 'C' });
  assert.equal(await run(args('status'), io), 0);
  assert.match(io.out.text, /^\* gw-0001: serving with the current leaf, online\n/);
});

test('a daemon that cannot say: 1, and its answer', async (t) => {
  const { config } = await gateway(t, { message: 'boom' }, 500);
  const io = stage();
  assert.equal(await run(args('status', '--config', config), io), 1);
  assert.match(io.err.text, /^NL-INTERNAL The daemon answered 500/);
});

/** What a daemon has left that had no leaf yet. */
async function stateLeft(t: TestContext) {
  const directory = scratch(t);
  const state = join(directory, 'state');
  mkdirSync(state);
  await createJournal({ directory: state, validate: validateEntry }).write(entryOf(blank));
  return { directory, state };
}

describe('the daemon does not run', () => {
  test('and has never run, or was given up: 5, and nobody is told to start it', async (t) => {
    const io = stage();
    assert.equal(await run(args('status', '--config', configIn(scratch(t))), io), 5);
    assert.equal(io.out.text, '');
    const said = io.err.text.replaceAll(/\s+/g, ' ');
    assert.match(
      said,
      /^NL-DAEMON-DOWN The daemon does not run: there is no answer on .* It has no state: .* given up\. → /,
    );
    assert.match(said, /`newleaf init`.* leave it off/);
    assert.doesNotMatch(said, /systemctl start/);
  });

  test('and has left a state file: 5, and what was last known', async (t) => {
    const { directory } = await stateLeft(t);
    const [shown, json] = [stage(), stage()];
    const config = configIn(directory);
    assert.equal(await run(args('status', '--config', config), shown), 5);
    assert.match(shown.out.text, /the daemon does not run\n {2}Last known, .*: has no leaf yet\./);
    assert.match(shown.out.text, /What to do\n {2}NL-DAEMON-DOWN The daemon does not run: there is no answer on\s/);
    assert.equal(await run(args('status', '--json', '--config', config), json), 5);
    assert.equal(JSON.parse(json.out.text).failure.code, 'NL-DAEMON-DOWN');
  });
});

test('a daemon that runs, and whose socket was removed: no word of an older end, and what brings the socket back', async (t) => {
  const { directory, state } = await stateLeft(t);
  await leaveWords(state, failure('NL-STATE-CORRUPT'), stage().now() - 22_000);
  // Its socket is gone, as after `rm -rf /run/newleaf`.
  const lock = await takeLock(state);
  t.after(() => lock.release());
  const io = stage();
  assert.equal(await run(args('status', '--config', configIn(directory)), io), 1);
  const shown = io.out.text.replaceAll(/\s+/g, ' ');
  assert.match(shown, /the daemon cannot be asked Last known/);
  assert.match(shown, /NL-CONTROL-GONE The daemon runs, .* → If it stays like this: `systemctl restart newleaf`/);
  assert.doesNotMatch(shown, /does not run|CORRUPT|systemctl start/);
  const config = { control: { socket: join(directory, 'run', 'control.sock') }, state: { directory: state } } as Config;
  const here = daemonPlace(config, {});
  await assert.rejects(askDaemon(here, '/v1/roll', {}), fault('NL-CONTROL-GONE', /runs/));
  await demandHere(here);

  const contained = daemonPlace(config, { NEWLEAF_CONTAINER: '1' });
  await assert.rejects(askDaemon(contained, '/v1/roll', {}), fault('NL-CONTROL-GONE', /in another container/));
  await assert.rejects(
    demandHere(contained),
    fault('NL-DAEMON-RUNS', /The daemon has the token, in another container/),
  );
});

test('a configuration that was damaged under the daemon: the mistake, and that it serves on', async (t) => {
  const directory = scratch(t);
  const { socket } = await daemon(t, { answer: async () => ({ status: 200, body: statusWith() }) });
  const mistake = new Fault('NL-CONFIG', { message: 'line 3: no value' });
  const both = await besideDaemon(mistake, socket);
  assert.ok(both instanceof Fault);
  assert.equal(both.failure.code, 'NL-CONFIG');
  assert.match(
    both.failure.message,
    /^line 3: no value\nThe daemon runs on .*: serving with the current leaf, online\.$/,
  );
  assert.equal(await besideDaemon(mistake, join(directory, 'none.sock')), mistake);
  assert.equal(socketAt('/etc/newleaf/plant/newleaf.toml'), '/run/newleaf@plant/control.sock');
});

/** A daemon whose status can be changed, and somebody who watches it. */
async function watched(t: TestContext, isTTY: boolean, ...options: readonly string[]) {
  const state = { status: statusWith() };
  const directory = scratch(t);
  const socket = join(directory, 'run/control.sock');
  const it = await daemon(t, { socket, answer: async () => ({ status: 200, body: state.status }) });
  const io = stage(undefined, isTTY);
  const watching = run(args('status', '--watch', ...options, '--config', configIn(directory)), io);
  await io.out.shows('serving with the current leaf');
  if (it.listeners.size === 0) await it.listenersChange();
  const change = (change: Partial<Status>) => {
    state.status = statusWith(change);
    for (const tell of it.listeners) tell({ type: 'changed' });
  };
  /** It comes back with nonsense, which is the end of watching. */
  const leave = async () => {
    await it.close();
    if (!options.includes('--json')) await io.out.shows('NL-DAEMON-DOWN');
    await daemon(t, { socket, answer: async () => ({ status: 500, body: {} }) });
    assert.equal(await watching, 1);
  };
  return { io, change, leave };
}

describe('--watch', () => {
  test('on a terminal: draws again at every change, over what was there, and when its size is changed', async (t) => {
    const { io, change, leave } = await watched(t, true);
    const drawn = io.out.text.length;
    change({ online: false });
    await io.out.shows('serving with the current leaf, offline');
    assert.ok(io.out.text.slice(drawn).startsWith('\u001b[H'), 'the screen is not cleared');
    const before = io.out.text.length;
    io.out.resize(40, 30);
    assert.ok(io.out.text.slice(before).startsWith('\u001b[2J\u001b[H'));
    assert.match(io.out.text.slice(before), /serving with the current[^\n]*\n[^\n]*leaf, offline/);
    await leave();
  });

  test('elsewhere: a line for each change', async (t) => {
    const { io, change, leave } = await watched(t, false);
    change({ at: '2026-11-25T13:55:00.000Z' });
    change({ online: false });
    await io.out.shows('offline');
    change({ online: false, trouble: failure('NL-HUB-UNREACHABLE') });
    await io.out.shows('NL-HUB');
    await leave();
    const moment = '2026-11-25 14:49:53  ';
    assert.deepEqual(io.out.text.split('\n').slice(0, 3), [
      `${moment}gw-0001: serving with the current leaf, online`,
      `${moment}gw-0001: serving with the current leaf, offline`,
      `${moment}gw-0001: serving with the current leaf, offline, NL-HUB-UNREACHABLE The hub cannot be reached.`,
    ]);
    assert.match(io.out.text, /\n2026-11-25 14:49:53 {2}NL-DAEMON-DOWN The daemon [^\n]+\n$/);
  });

  test('--json: a status for each change, terminal or not', async (t) => {
    const { io, change, leave } = await watched(t, true, '--json');
    change({ at: '2026-11-25T13:55:00.000Z' });
    change({ online: false });
    await io.out.shows('"online":false');
    await leave();
    const told = io.out.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).online);
    assert.deepEqual(told, [true, false]);
  });
});
