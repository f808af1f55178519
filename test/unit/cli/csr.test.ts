import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { WireAnswer } from '../../../agent/ask/wire.ts';
import { run } from '../../../agent/cli/request/csr.ts';
import { failure } from '../../../agent/failure/failure.ts';
import { daemon, latch } from '../control/daemon.ts';
import { answering } from './answering.ts';
import { args, configIn, stage, statusWith } from './stage.ts';

const csr = '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n';
const answer: WireAnswer = { status: 200, body: { csr, slot: 'a', cn: 'gw-0001' } };

async function gateway(t: TestContext, said = answer) {
  const it = await answering(t, statusWith(), [said]);
  return { ...it, call: (io = stage(), ...more: string[]) => run(args('csr', '--config', it.config, ...more), io) };
}

test('the CSR, and nothing else, goes to stdout', async (t) => {
  const { call, asks } = await gateway(t);
  const io = stage();
  assert.equal(await call(io), 0);
  assert.equal(io.out.text, csr);
  assert.match(
    io.err.text,
    /^CSR of the key in slot a for CN gw-0001\. Have it signed with this CN, then:\n`newleaf install FILE`\n$/,
  );
  assert.deepEqual(asks, [{ kind: 'csr', from: 'technician', newKey: false }]);
});

test('--new-key', async (t) => {
  const { call, asks } = await gateway(t);
  assert.equal(await call(stage(), '--new-key'), 0);
  assert.deepEqual(asks, [{ kind: 'csr', from: 'technician', newKey: true }]);
});

describe('-o FILE', () => {
  test('is written, for everybody to read', async (t) => {
    const { call, directory } = await gateway(t);
    const file = join(directory, 'gw.csr');
    const io = stage();
    assert.equal(await call(io, '-o', file), 0);
    assert.equal(readFileSync(file, 'latin1'), csr);
    assert.equal(statSync(file).mode & 0o777, 0o644);
    assert.equal(io.out.text, '');
    assert.match(io.err.text, /gw\.csr/);
  });

  test('takes the place of what was there, for the same people to read', async (t) => {
    const { call, directory } = await gateway(t);
    const [file, other] = [join(directory, 'gw.csr'), join(directory, 'other')];
    writeFileSync(file, 'x'.repeat(5_000), { mode: 0o600 });
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(file, 4711, 4712);
    linkSync(file, other);
    assert.equal(await call(stage(), '-o', file), 0);
    assert.equal(readFileSync(file, 'latin1'), csr);
    const { mode, uid, gid } = statSync(file);
    assert.equal(mode & 0o7777, 0o600);
    if (isRoot) assert.deepEqual([uid, gid], [4711, 4712]);
    // Another name of the old file leads to the old text.
    assert.equal(readFileSync(other, 'latin1'), 'x'.repeat(5_000));
  });

  test('a file that another user has laid where all may is refused by root: its owner could change the CSR', async (t) => {
    const { call, directory } = await gateway(t);
    const file = join(directory, 'gw.csr');
    writeFileSync(file, 'before', { mode: 0o666 });
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(file, 4711, 4712);
    chmodSync(directory, 0o1777);
    const io = stage();
    assert.equal(await call(io, '-o', file), isRoot ? 1 : 0);
    if (isRoot)
      assert.match(io.err.text.replaceAll(/\s+/g, ' '), /NL-STATE-WRITE .*belongs to another user.* → Name another/);
    assert.equal(readFileSync(file, 'latin1'), isRoot ? 'before' : csr);
  });

  const LINK =
    /is a link, and the CSR is not written where it leads\. → Name the file itself; without -o the CSR goes to stdout\./;
  const NO_FILE = /is no regular file, .* → Name the file itself/;
  const refused: readonly (readonly [what: string, named: string, said: RegExp])[] = [
    ['a link, which may be another user’s', 'link', LINK],
    ['a link to nowhere', 'nowhere', LINK],
    ['a link to a device', 'device', LINK],
    [
      'a link on the way, which may be another user’s',
      'way/gw.csr',
      /The CSR cannot be written to .* a link on its way/,
    ],
    ['a pipe, which would hold root for ever', 'pipe', NO_FILE],
    ['a device', '/dev/null', NO_FILE],
    ['a directory', '.', NO_FILE],
    [
      'what lies in none',
      'none/gw.csr',
      /The CSR cannot be written to .* → Name another place: `newleaf csr -o FILE` $/,
    ],
    ['what cannot be made, by its name', '/proc/gw.csr', /to \/proc\/gw\.csr\. \(E[^()]* '\/proc\/\.gw\.csr\.new'\)/],
  ];
  for (const [what, named, said] of refused) {
    test(`${what}: refused, and all stays as it is`, { timeout: 10_000 }, async (t) => {
      const { call, directory } = await gateway(t);
      const at = (name: string) => join(directory, name);
      writeFileSync(at('precious'), 'precious', { mode: 0o600 });
      mkdirSync(at('kept'));
      const links = { link: 'precious', nowhere: 'none', device: '/dev/null', way: 'kept' };
      for (const [name, target] of Object.entries(links)) symlinkSync(target, at(name));
      execFileSync('mkfifo', [at('pipe')]);
      const there = () => [
        readdirSync(directory, { recursive: true }).sort(),
        ...Object.keys(links).map((one) => readlinkSync(at(one))),
      ];
      const before = there();
      const io = stage();
      assert.equal(await call(io, '-o', resolve(directory, named)), 1);
      assert.match(io.err.text.replaceAll(/\s+/g, ' '), /^NL-STATE-WRITE /);
      assert.match(io.err.text.replaceAll(/\s+/g, ' '), said);
      assert.deepEqual(there(), before);
      assert.deepEqual(
        [readFileSync(at('precious'), 'latin1'), statSync(at('precious')).mode & 0o777],
        ['precious', 0o600],
      );
      assert.equal(statSync(at('pipe')).isFIFO(), true);
    });
  }
});

test('a token that makes no key is told as such, and not as a daemon that is down', async (t) => {
  const { code, message, advice } = failure('NL-TOKEN-FAILED', { message: 'The token is full.' });
  const { call } = await gateway(t, { status: 500, body: { code, message, advice } });
  const io = stage();
  assert.equal(await call(io), 1);
  assert.equal(io.out.text, '');
  assert.match(io.err.text, /^NL-TOKEN-FAILED The token is full\./);
  assert.doesNotMatch(io.err.text, /systemctl/);
});

test('a daemon that hangs is given up after ten seconds, and not asked for work', async (t) => {
  const over = new AbortController();
  const limits = t.mock.method(AbortSignal, 'timeout', () => over.signal);
  const asked = latch();
  const kinds: string[] = [];
  const { directory } = await daemon(t, {
    answer({ kind }) {
      kinds.push(kind);
      asked.open();
      return new Promise(() => {});
    },
  });
  const io = stage();
  const called = run(args('csr', '--config', configIn(directory)), io);
  await asked.opened;
  over.abort();
  assert.equal(await called, 5);
  assert.deepEqual([kinds, limits.mock.calls.map((one) => one.arguments)], [['status'], [[10_000]]]);
  assert.match(io.err.text, /^NL-DAEMON-DOWN The daemon did not answer within 10 s\./);
});
