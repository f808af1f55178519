import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AS_OTHERS } from '../as-others.ts';
import { failureIn } from './stage/ended.ts';
import { PATIENCE_MS, serving, site } from './stage/site.ts';

interface Damage {
  readonly title: string;
  readonly damage: (path: string, good: string) => void;
  readonly words: RegExp;
  /** NL-STATE-CORRUPT by default. */
  readonly code?: string;
}

const damages: readonly Damage[] = [
  { title: 'empty', damage: (path) => writeFileSync(path, ''), words: /is empty/ },
  {
    title: 'cut off',
    damage: (path, good) => writeFileSync(path, good.slice(0, good.length / 2)),
    words: /not complete JSON/,
  },
  {
    title: 'zeros',
    damage: (path, good) => writeFileSync(path, Buffer.alloc(good.length)),
    words: /not complete JSON/,
  },
  {
    title: 'one digit changed',
    damage: (path, good) => writeFileSync(path, good.replace(/"phase": "\w+"/, '"phase": "unprovisioned"')),
    words: /digest differs/,
  },
  {
    title: 'of a newer version',
    damage: (path, good) => writeFileSync(path, good.replace(/"format": \d+/, '"format": 99')),
    words: /has format 99.*Install that newer newleaf again/,
    code: 'NL-STATE-NEWER',
  },
  { title: 'not readable', damage: (path) => chmodSync(path, 0), words: /may not be read/ },
  {
    title: 'a directory',
    damage: (path) => {
      rmSync(path);
      mkdirSync(path);
    },
    words: /is a directory/,
  },
];

/** What is there, byte by byte; undefined for a directory. */
function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

test('a damaged state file is refused, and nothing is lost', async (t) => {
  const { far, gateway, thumbprint } = await serving(t, { runner: AS_OTHERS });
  assert.equal(await gateway.stop(), 0);
  const path = join(gateway.stateDirectory, 'state.json');
  const good = readFileSync(path, 'utf8');
  const since = far.log.entries.length;

  for (const { title, damage, words, code = 'NL-STATE-CORRUPT' } of damages) {
    await t.test(title, async () => {
      damage(path, good);
      const before = bytesOf(path);
      const ended = await gateway.command('run');
      assert.equal(ended.code, 4, ended.out + ended.err);
      const told = failureIn(ended);
      assert.equal(told.code, code);
      assert.match(told.sentence, words);
      assert.ok(told.sentence.includes(path));
      assert.deepEqual(bytesOf(path), before, 'not a byte was changed');
      assert.deepEqual(far.log.since(since), [], 'nothing was sent');
      assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
      rmSync(path, { recursive: true });
      writeFileSync(path, good, { mode: 0o600 });
    });
  }

  await t.test('restored from a backup, it serves with the same leaf', async () => {
    await gateway.start();
    const { thumbprint: back } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    assert.equal(back, thumbprint);
    assert.equal(far.log.registrations(), 1);
  });

  await t.test('killed after that: not a word of the damage that is over', async () => {
    await gateway.settled();
    await gateway.stop('SIGKILL');
    const { code, out, err } = await gateway.command('status');
    assert.equal(code, 5);
    const told = (out + err).replaceAll(/\s+/g, ' ');
    assert.match(told, /NL-DAEMON-DOWN The daemon does not run: .* → Run `systemctl start newleaf`/);
    assert.doesNotMatch(told, /CORRUPT|It ended/);
  });
});

test('on a slow disk, too, a damaged state file ends the daemon for good', async (t) => {
  const nodeOptions = ['--require', join(import.meta.dirname, 'stage', 'preload-slow-rm.cjs')];
  const { gateway } = await site(t, { nodeOptions });
  mkdirSync(join(gateway.stateDirectory, 'state.json'), { recursive: true });
  const { code, out, err } = await gateway.command('run');
  assert.equal(code, 4, `${out}${err}`);
});
