import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { crashesBefore } from '../../../agent/state/crash.ts';
import { forgetStart, forgetWords, leaveWords } from '../../../agent/state/last-words.ts';
import { scratch } from './disk.ts';

/** As newleaf.service has it: what systemd runs when the daemon has ended (systemd.exec(5), $SERVICE_RESULT). */
const unit = readFileSync(join(import.meta.dirname, '../../../systemd/newleaf.service'), 'utf8');
const [, script = ''] = /^ExecStopPost=-\/bin\/sh -c '(.*?)'$/ms.exec(unit.replaceAll('\\\n', '')) ?? [];

const ROWS: readonly (readonly [string, string, RegExp | undefined])[] = [
  ['core-dump', 'SEGV', /has crashed.*SIGSEGV/],
  ['signal', 'BUS', /has crashed.*SIGBUS/],
  ['watchdog', 'ABRT', /has hung until the watchdog/],
  ['watchdog', 'KILL', /has hung until the watchdog/],
  ['success', '0', undefined],
  ['exit-code', '6', undefined],
  ['signal', 'KILL', undefined],
  ['oom-kill', 'KILL', undefined],
  // The heap of Node is full.
  ['signal', 'ABRT', undefined],
];

for (const [SERVICE_RESULT, EXIT_STATUS, said] of ROWS) {
  test(`systemd says ${SERVICE_RESULT}, ${EXIT_STATUS}: ${said?.source ?? 'no crash'}`, async (t) => {
    const directory = scratch(t);
    const env = { ...process.env, SERVICE_RESULT, EXIT_STATUS, RUNTIME_DIRECTORY: directory };
    const { stderr, status } = spawnSync('/bin/sh', ['-c', script.replaceAll('$$', '$')], { env, encoding: 'utf8' });
    assert.deepEqual([stderr, status], ['', 0]);
    const { untold, times } = await crashesBefore(directory, scratch(t));
    assert.equal(times, said === undefined ? 0 : 1);
    if (said === undefined) assert.equal(untold, undefined);
    else assert.match(untold?.message ?? '', said);
    assert.equal(untold?.code, said && 'NL-TOKEN-CRASHED');
    assert.equal(existsSync(join(directory, 'crashed')), false, 'it is told once');
  });
}

test('crashes are counted in a row, to two: a daemon that has begun ends no row, one that lasts does', async (t) => {
  const directory = scratch(t);
  const crashed = async () => {
    writeFileSync(join(directory, 'crashed'), 'SEGV\n');
    const { times, untold } = await crashesBefore(directory, directory);
    assert.ok(untold);
    await leaveWords(directory, untold, 0, times);
    await forgetStart(directory);
    return times;
  };
  assert.deepEqual([await crashed(), await crashed(), await crashed()], [1, 2, 2]);
  assert.deepEqual(await crashesBefore(directory, directory), { times: 2 }, 'one that was killed in between');
  await forgetWords(directory);
  assert.deepEqual(await crashesBefore(directory, directory), { times: 0 });
  assert.equal(await crashed(), 1);
  await leaveWords(directory, failure('NL-TOKEN-POISONED'), 0);
  assert.equal(await crashed(), 1, 'another fault in between');
});

for (const text of ['', '\n', 'TERM\n', 'toString\n', '\0'.repeat(99)]) {
  test(`${JSON.stringify(text)} is no note of a crash`, async (t) => {
    const directory = scratch(t);
    writeFileSync(join(directory, 'crashed'), text);
    assert.deepEqual(await crashesBefore(directory, directory), { times: 0 });
  });
}
