import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { failureFields } from '../../../agent/machine/failure-fields.ts';
import { createLog, droppingTo, type Level, type Line } from '../../../agent/machine/log.ts';
import { TYPESCRIPT } from '../../typescript.ts';

function written(level: Level, env: NodeJS.ProcessEnv, write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  write(createLog({ level, env, sink: { write: (line) => lines.push(line) } }));
  return lines;
}

test('an event is one line of JSON: level, ISO time, its fields, and neither host nor pid', () => {
  const [line = '', ...more] = written('info', {}, (log) =>
    log.info({ event: 'serving', hub: 'h', message: 'two\nlines' }),
  );
  assert.deepEqual(more, []);
  assert.match(line, /^[^\n]*\n$/);
  const { time, ...rest } = JSON.parse(line);
  assert.match(time, /^20\d\d-\d\d-\d\dT.*Z$/);
  assert.deepEqual(rest, { level: 'info', event: 'serving', hub: 'h', message: 'two\nlines' });
});

test('the journal gets the priority of each level, and nobody else does', () => {
  const all = (log: ReturnType<typeof createLog>) => {
    for (const level of ['error', 'warn', 'info', 'debug'] as const) log[level]({ event: level });
  };
  assert.deepEqual(
    written('debug', { JOURNAL_STREAM: '8:1' }, all).map((line) => line.slice(0, 4)),
    ['<3>{', '<4>{', '<6>{', '<7>{'],
  );
  assert.deepEqual(
    written('debug', {}, all).map((line) => line[0]),
    ['{', '{', '{', '{'],
  );
});

test('a field that is not on the list is not written, whatever object it comes in', () => {
  const smuggled: Line & { pin: string } = { event: 'login', pin: '1234', reason: undefined };
  const [line = ''] = written('info', {}, (log) => log.info(smuggled));
  assert.doesNotMatch(line, /pin|1234|reason/);
});

test('a failure brings code, message, advice and cause', () => {
  const fields = failureFields(failure('NL-DPS-THROTTLED', { retryAfterMs: 5000, cause: new Error('429') }));
  const [line = ''] = written('warn', {}, (log) => log.warn({ event: 'retry', ...fields }));
  const { code, message, advice, cause, retryInMs } = JSON.parse(line);
  assert.deepEqual([code, cause, retryInMs], ['NL-DPS-THROTTLED', '429', 5000]);
  assert.match(message, /throttling/);
  assert.match(advice, /keeps trying/);
});

/** A process that logs so many lines of 200 characters. @param then what it does after them */
const logging = (lines: number, then: string): [string, string[]] => {
  const child = `
    import { createLog } from ${JSON.stringify(new URL('../../../agent/machine/log.ts', import.meta.url).href)};
    const log = createLog({ level: 'info', env: {} });
    for (let n = 0; n < ${lines}; n++) log.info({ event: 'line', id: String(n), message: 'x'.repeat(200) });
    ${then}`;
  return [process.execPath, [...TYPESCRIPT, '--input-type=module', '-e', child]];
};

test('nothing is lost where the process ends at once', () => {
  const { stdout, status } = spawnSync(...logging(2000, 'process.exit(6);'), { encoding: 'utf8' });
  assert.equal(status, 6);
  assert.equal(JSON.parse(stdout.trimEnd().split('\n')[1999] ?? '{}').id, '1999');
});

test('a full disk under stdout costs the lines alone', () => {
  const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const;
  const { stderr, status } = spawnSync(...logging(2000, ''), { encoding: 'utf8', stdio: [...stdio] });
  assert.deepEqual([stderr, status], ['', 0]);
});

test('a reader that stands still is not waited for: it gets whole lines later, and how many are missing', async () => {
  const most = 20_000;
  const more =
    "setInterval(() => log.info({ event: 'more' }), 20); process.stdin.resume().once('end', () => process.exit());";
  const child = spawn(...logging(most, `console.error('logged'); ${more}`));
  await once(child.stderr, 'data');
  // Nothing has been read from its stdout until now.
  let read = '';
  child.stdout.on('data', (bytes) => {
    read += bytes;
    if (read.includes('log-dropped')) child.stdin.end();
  });
  await once(child.stdout, 'end');
  const lines = read
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const passed = lines.findIndex(({ event }) => event === 'log-dropped');
  assert.ok(passed > 0 && passed < most && lines.slice(0, passed).every(({ id }, at) => id === String(at)));
  const [, lost] = /^(\d+) lines of the log were lost: nothing took them\.$/.exec(lines[passed].message) ?? [];
  assert.ok(passed + Number(lost) >= most, `${passed} passed, ${lost} are said to be lost`);
});

test('a message that is dropped is told at debug, and its topic only in part', () => {
  const write = (log: ReturnType<typeof createLog>) => droppingTo(log)('a'.repeat(65_535));
  assert.deepEqual(written('info', {}, write), []);
  const [line = ''] = written('debug', {}, write);
  const { event, message } = JSON.parse(line);
  assert.deepEqual([event, message], ['message-dropped', `No message for newleaf: ${'a'.repeat(200)}`]);
});
