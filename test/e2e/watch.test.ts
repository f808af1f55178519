import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf } from '../../agent/cli/kit/screen.ts';
import { Terminal } from '../unit/terminal.ts';
import { BUNDLE } from './stage/gateway.ts';
import { PATIENCE_MS, serving } from './stage/site.ts';

const HOME = '\u001b[H';
/** Clearing, to the end of the line or of the screen. */
const CLEARS = new RegExp(`${String.fromCharCode(27)}\\[\\d*[JK]`, 'g');

test('status --watch on a terminal, over a roll and a restart of the daemon, until Ctrl-C', {
  timeout: 3 * PATIENCE_MS,
}, async (t) => {
  const { gateway } = await serving(t);
  const env = { NEWLEAF_CONFIG: gateway.configuration, LANG: 'C.UTF-8', NO_COLOR: '1' };
  const sizes = [
    { columns: 80, rows: 24 },
    { columns: 40, rows: 30 },
    { columns: 120, rows: 60 },
  ];
  const argv = [process.env.NEWLEAF_TEST_NODE ?? process.execPath, BUNDLE, 'status', '--watch'];
  const terminals = sizes.map((size) => ({ size, terminal: new Terminal(t, argv, { env, ...size }) }));
  const all = (words: RegExp) => Promise.all(terminals.map(({ terminal }) => terminal.screen.shows(words)));

  const { heardAt = '' } = await gateway.settled();
  assert.ok(Date.now() - Date.parse(heardAt) < PATIENCE_MS, `the hub was heard at ${heardAt}`);
  await all(/key in slot a[\s\S]*What to do/);
  await gateway.post('/v1/roll');
  await all(/key in slot b[\s\S]*What to do/);
  await gateway.stop();
  await all(/NL-DAEMON-DOWN/);
  await gateway.start();
  await all(/NL-DAEMON-DOWN[\s\S]*leaf, online/);

  for (const { terminal, size } of terminals) {
    terminal.type('\u0003');
    assert.equal(await terminal.ended, 130);
    const [before = '', ...frames] = terminal.screen.text
      .replace(/\^C\s*$/, '')
      .replaceAll('\r', '')
      .split(HOME);
    assert.equal(before, '\u001b[2J', 'cleared once, at the beginning');
    assert.ok(frames.length >= 5);
    for (const frame of frames) {
      assert.ok(!frame.includes('\u001b[2J'));
      const lines = frame.replaceAll(CLEARS, '').replace(/\n$/, '').split('\n');
      assert.ok(
        rowsOf(lines, size.columns) < size.rows,
        `${size.columns} by ${size.rows} scrolls:\n${lines.join('\n')}`,
      );
    }
  }
});
