import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TYPESCRIPT } from '../../typescript.ts';
import { scratch } from '../state/disk.ts';

interface Taken {
  /** How many the daemon was asked about at once. */
  readonly first: number;
  readonly events: readonly string[];
  readonly messages: readonly string[];
}

/** What becomes of an inbox with so many files beside a leaf in it, in a process with the heap of the unit. */
function taken(t: TestContext, count: number): Taken {
  const directory = scratch(t);
  mkdirSync(join(directory, 'inbox'));
  execFileSync('sh', ['-c', `seq ${count} | xargs touch`], { cwd: join(directory, 'inbox') });
  writeFileSync(join(directory, 'inbox', 'gw-0001.pem'), 'a chain');
  const program = join(import.meta.dirname, 'flood.ts');
  const flags = ['--max-semi-space-size=1', '--max-old-space-size=48', ...TYPESCRIPT];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...flags, program, directory], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  assert.deepEqual([status, signal], [0, null], stderr.slice(0, 500));
  return JSON.parse(stdout) as Taken;
}

test('60,000 files in the inbox cost no memory, are told of once, and hold up no leaf', (t) => {
  const { first, events, messages } = taken(t, 60_000);
  assert.ok(first <= 200, `${first} at once`);
  assert.deepEqual(
    events.filter((event) => event === 'inbox-accepted'),
    ['inbox-accepted'],
  );
  // What is no leaf goes by and by, as it does where little lies there.
  assert.ok(events.filter((event) => event === 'inbox-rejected NL-LEAF-PARSE').length > 100);
  const told = messages.filter((message) => /more than 200/.test(message));
  assert.equal(told.length, 1);
  assert.match(
    told[0] ?? '',
    /inbox holds more than 200 files: newleaf takes 200 at a time, certificates \(\.pem, \.crt …\) first\.$/,
  );
});
