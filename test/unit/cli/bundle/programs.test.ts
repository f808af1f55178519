import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { collect } from '../../../../agent/cli/bundle/collect.ts';
import { DAEMON_PARTS } from '../../../../agent/cli/bundle/daemon-parts.ts';
import { settingsIn } from '../../../../agent/cli/bundle/settings.ts';
import { STATE_PARTS } from '../../../../agent/cli/bundle/state-parts.ts';
import { failure } from '../../../../agent/failure/failure.ts';
import { NOW } from '../stage.ts';
import { gateway, KEY, programWith } from '../uplink/gateway.ts';

const MESSAGE = 'temperature of the private hall';

test('programs: names, counts and modes of files; no key and no message', { timeout: 20_000 }, async (t) => {
  const trouble = failure('NL-UPLINK-SOCKET', { message: `It said ${KEY}, urlencoded ${encodeURIComponent(KEY)}.` });
  const { config, directory, sockets } = await gateway(t, [programWith({ connects: 'key', trouble })]);
  const program = join(directory, 'state', 'uplink', 'sensors');
  for (const place of ['queue', 'rejected']) mkdirSync(join(program, place), { recursive: true });
  mkdirSync(join(sockets, 'sensors'), { recursive: true, mode: 0o2750 });
  writeFileSync(join(program, 'program.json'), JSON.stringify({ name: 'sensors' }), { mode: 0o600 });
  writeFileSync(join(program, 'key'), `${KEY} 00\n`, { mode: 0o600 });
  writeFileSync(join(program, 'queue', '0000.log'), MESSAGE, { mode: 0o600 });
  writeFileSync(join(program, 'rejected', '7.json'), JSON.stringify({ body: Buffer.from(MESSAGE).toString('base64') }));
  // Root may call it: it waits for no pipe, and follows no link.
  mkdirSync(join(directory, 'state', 'uplink', 'pipe'));
  execFileSync('mkfifo', [join(directory, 'state', 'uplink', 'pipe', 'program.json')]);
  symlinkSync(program, join(directory, 'state', 'uplink', 'link'));

  const parts = [...STATE_PARTS, ...DAEMON_PARTS.filter(({ name }) => name === 'programs.json')];
  const scene = { settings: settingsIn(config), env: {}, now: NOW, itself: [] };
  const made = new Map((await collect(scene, parts)).map(({ name, content }) => [name, content.toString()]));
  const told = JSON.parse(made.get('programs.json') ?? '');
  assert.deepEqual([told.programs[0].name, told.programs[0].queued], ['sensors', 12]);
  assert.match(told.programs[0].trouble.message, /\[redacted\].*\[redacted\]/);
  const files = made.get('files.txt') ?? '';
  assert.match(files, /^-0600 .* uplink\/sensors\/program\.json$/m);
  assert.match(files, /^-0600 .* uplink\/sensors\/queue\/0000\.log$/m);
  assert.match(files, /^d[02]750 .* sensors$/m);
  const all = [...made.values()].join('\n');
  for (const secret of [KEY, encodeURIComponent(KEY), MESSAGE, Buffer.from(MESSAGE).toString('base64')])
    assert.ok(!all.includes(secret), secret);
});
