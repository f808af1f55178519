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
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { WireAnswer } from '../../../agent/ask/wire.ts';
import { run } from '../../../agent/cli/request/csr.ts';
import { failure } from '../../../agent/failure/failure.ts';
import { daemon } from '../control/daemon.ts';
import { args, configIn, stage } from './stage.ts';

const csr = '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n';
const answer: WireAnswer = { status: 200, body: { csr, slot: 'a', cn: 'gw-0001' } };

async function gateway(t: TestContext, said = answer) {
  const asks: unknown[] = [];
  const it = await daemon(t, {
    async answer(ask) {
      asks.push(ask);
      return said;
    },
  });
  const config = configIn(it.directory);
  return { ...it, asks, call: (io = stage(), ...more: string[]) => run(args('csr', '--config', config, ...more), io) };
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

  for (const [what, target] of [
    ['a link', 'precious'],
    ['a link to nowhere', 'none'],
    ['a link to a device', '/dev/null'],
  ] as const)
    test(`${what} may be somebody else's, and is refused`, async (t) => {
      const { call, directory } = await gateway(t);
      const [file, link] = [join(directory, 'precious'), join(directory, 'link')];
      writeFileSync(file, 'precious', { mode: 0o600 });
      symlinkSync(target, link);
      const io = stage();
      assert.equal(await call(io, '-o', link), 1);
      assert.match(
        io.err.text.replaceAll(/\s+/g, ' '),
        /NL-STATE-WRITE .*link is a link, and the CSR is not written where it leads\. → Name the file itself; without -o the CSR goes to stdout\./,
      );
      assert.equal(readlinkSync(link), target);
      assert.deepEqual([readFileSync(file, 'latin1'), statSync(file).mode & 0o777], ['precious', 0o600]);
      assert.deepEqual(
        readdirSync(directory).filter((name) => /none|csr/.test(name)),
        [],
      );
    });

  test('an error names the path that the person has named', async (t) => {
    const { call } = await gateway(t);
    const io = stage();
    assert.equal(await call(io, '-o', '/proc/gw.csr'), 1);
    assert.match(
      io.err.text.replaceAll(/\s+/g, ' '),
      /cannot be written to \/proc\/gw\.csr\. \(E[^()]* '\/proc\/\.gw\.csr\.new'\)/,
    );
  });

  test('a link on the way may be another user’s, and is not followed', async (t) => {
    const { call, directory } = await gateway(t);
    mkdirSync(join(directory, 'precious'));
    symlinkSync('precious', join(directory, 'link'));
    const io = stage();
    assert.equal(await call(io, '-o', join(directory, 'link', 'gw.csr')), 1);
    assert.match(
      io.err.text.replaceAll(/\s+/g, ' '),
      /NL-STATE-WRITE The CSR cannot be written to .* a link on its way/,
    );
    assert.deepEqual(readdirSync(join(directory, 'precious')), []);
  });

  test('a pipe, which would hold root for ever, is refused', { timeout: 10_000 }, async (t) => {
    const { call, directory } = await gateway(t);
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const other of [pipe, '/dev/null', directory]) {
      const io = stage();
      assert.equal(await call(io, '-o', other), 1);
      assert.match(
        io.err.text.replaceAll(/\s+/g, ' '),
        /NL-STATE-WRITE .* is no regular file, .* → Name the file itself/,
      );
    }
    assert.equal(statSync(pipe).isFIFO(), true);
  });

  test('a directory that does not exist is not made', async (t) => {
    const { call, directory } = await gateway(t);
    const io = stage();
    assert.equal(await call(io, '-o', join(directory, 'none', 'gw.csr')), 1);
    assert.match(
      io.err.text,
      /^NL-STATE-WRITE The CSR cannot be written to[\s\S]*→ Name another place: `newleaf csr -o FILE`\n$/,
    );
  });
});

test('a refusal: the words of the daemon', async (t) => {
  const { call } = await gateway(t, { status: 409, body: failure('NL-BUSY') });
  const io = stage();
  assert.equal(await call(io), 1);
  assert.equal(io.out.text, '');
  assert.match(io.err.text, /^NL-BUSY Another request is in flight\./);
});

test('a token that makes no key is told as such, and not as a daemon that is down', async (t) => {
  const { code, message, advice } = failure('NL-TOKEN-FAILED', { message: 'The token is full.' });
  const { call } = await gateway(t, { status: 500, body: { code, message, advice } });
  const io = stage();
  assert.equal(await call(io), 1);
  assert.match(io.err.text, /NL-TOKEN-FAILED/);
  assert.match(io.err.text, /The token is full\./);
  assert.doesNotMatch(io.err.text, /systemctl/);
});
