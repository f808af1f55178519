import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import type { WireAnswer } from '../../../agent/ask/wire.ts';
import { install } from '../../../agent/cli/request/install.ts';
import { failure } from '../../../agent/failure/failure.ts';
import { answering } from './answering.ts';
import { args, ended, stage, statusWith, THUMBPRINT } from './stage.ts';

const ISSUED = 'It is issued by A; so far by B.';
const accepted: WireAnswer = {
  status: 202,
  body: { id: 'r1', thumbprint: THUMBPRINT, message: ISSUED, phase: 'registering-next' },
};
const refusal = (status: number, code: Parameters<typeof failure>[0], more: object = {}): WireAnswer => {
  const { message, advice } = failure(code);
  return { status, body: { code, message, advice, ...more } };
};

/** `newleaf install` before a daemon that gives these answers. */
async function gateway(t: TestContext, ...answers: readonly WireAnswer[]) {
  const it = await answering(t, statusWith(), answers);
  const file = join(it.directory, 'gw.pem');
  const io = stage();
  const call = (operand = file, more: readonly string[] = [], stdin = Readable.from([])) =>
    install(stdin)(args('install', operand, '--config', it.config, ...more), io);
  return { ...it, file, io, call };
}

const words = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

describe('what is delivered goes to the daemon as it is', () => {
  const contents: readonly (readonly [what: string, content: Buffer])[] = [
    [
      'PEM',
      Buffer.from('subject=CN = gw-0001\r\n-----BEGIN CERTIFICATE-----\r\nMIAC\r\n-----END CERTIFICATE-----\r\n'),
    ],
    ['DER', Buffer.from('3080020100ff', 'hex')],
    ['as large as it may be', Buffer.alloc(262_144, 'x')],
  ];
  for (const [what, content] of contents) {
    test(`a file: ${what}`, async (t) => {
      const { asks, file, io, call } = await gateway(t, accepted);
      writeFileSync(file, content);
      assert.equal(await call(), 0);
      assert.deepEqual(asks, [{ kind: 'install', from: 'technician', delivered: content }]);
      assert.equal(
        words(io.out.text),
        `Accepted as r1. It is the leaf ${THUMBPRINT}. ${ISSUED} See it happen: \`newleaf status --watch\``,
      );
    });
  }

  test('stdin, and an ID', async (t) => {
    const { asks, call } = await gateway(t, accepted);
    const stdin = Readable.from([Buffer.from('first, '), Buffer.from('second')]);
    assert.equal(await call('-', ['--id', 'i-1'], stdin), 0);
    assert.deepEqual(asks, [
      { kind: 'install', from: 'technician', id: 'i-1', delivered: Buffer.from('first, second') },
    ]);
  });
});

describe('what cannot be a delivery never reaches the daemon', () => {
  const rows: readonly (readonly [what: string, operand: (directory: string) => string, said: RegExp])[] = [
    ['no such file', (directory) => join(directory, 'none'), /^There is no .*none\.$/],
    ['a directory', (directory) => directory, /is a directory\. Name the file with the chain\.$/],
    ['an empty file', (directory) => join(directory, 'empty'), /empty is empty\.$/],
    ['a large file', (directory) => join(directory, 'large'), /large has more than 262144 bytes: that is no chain\.$/],
    ['without end', () => '/dev/zero', /^\/dev\/zero cannot be read: \/dev\/zero is no regular file\.$/],
    [
      'a link',
      (directory) => join(directory, 'link'),
      /link cannot be read: .* has a link on its way, .* root takes none\.$/,
    ],
    ['an empty stdin', () => '-', /^stdin is empty\.$/],
  ];
  for (const [what, operand, said] of rows) {
    test(what, async (t) => {
      const { asks, directory, io, call } = await gateway(t);
      writeFileSync(join(directory, 'empty'), '');
      writeFileSync(join(directory, 'large'), Buffer.alloc(262_145));
      symlinkSync('empty', join(directory, 'link'));
      assert.equal(await call(operand(directory)), 2);
      assert.match(words(io.err.text), said);
      assert.deepEqual(asks, []);
    });
  }
});

describe('answers', () => {
  const rows: readonly (readonly [what: string, answer: WireAnswer, exit: number, said: RegExp])[] = [
    ['refused', refusal(400, 'NL-LEAF-CN'), 1, /^NL-LEAF-CN The CN of .* → Operator of the CA: keep the subject/],
    ['busy', refusal(409, 'NL-BUSY', { id: 'r9' }), 1, /^NL-BUSY Another request is in flight\. → Wait for it/],
    ['too soon', refusal(429, 'NL-BUDGET', { retryAfterSeconds: 90 }), 1, /^NL-BUDGET .* → Ask again in 90 s\.$/],
    ['token gone', refusal(500, 'NL-TOKEN-KEY'), 1, /^NL-TOKEN-KEY The key of the leaf is not in the token\./],
    ['ended before', { status: 200, body: ended({ outcome: 'kept' }) }, 3, /^The roll r1 is not done: still on/],
  ];
  for (const [what, answer, exit, said] of rows) {
    test(what, async (t) => {
      const { file, io, call } = await gateway(t, answer);
      writeFileSync(file, 'x');
      assert.equal(await call(), exit);
      assert.match(words(io.out.text + io.err.text), said);
    });
  }

  test('not valid yet: when it will be, and where it can wait', async (t) => {
    const { directory, file, io, call } = await gateway(
      t,
      refusal(409, 'NL-LEAF-NOT-YET', { retryAfterSeconds: 7_200 }),
    );
    writeFileSync(file, 'x');
    assert.equal(await call(file, ['--wait']), 1);
    assert.match(
      words(io.err.text),
      /^NL-LEAF-NOT-YET The issued leaf is not valid yet by the clock of this gateway\. → It/,
    );
    const advice = `It becomes valid in 2 hours: install it then, or put it into ${directory}/state/inbox, where it waits.`;
    assert.ok(words(io.err.text).includes(advice), words(io.err.text));
  });
});

describe('with --wait', () => {
  test('tells how it ends', async (t) => {
    const { file, io, call, become } = await gateway(t, accepted);
    writeFileSync(file, 'x');
    const following = call(file, ['--wait']);
    await become(statusWith({ outcomes: [ended({ reason: 'delivered' })] }));
    assert.equal(await following, 0);
    assert.match(
      words(io.out.text),
      /^Accepted as r1\. It is the leaf [0-9A-F]{64}\. It is issued by A; so far by B\. The roll r1 is done \(4\.30 s\)\. /,
    );
  });

  test('a roll of somebody else is not ours: it is waited for, then the leaf is handed over again', async (t) => {
    const { asks, file, io, call, become } = await gateway(
      t,
      refusal(409, 'NL-BUSY', { id: 'r1' }),
      refusal(400, 'NL-LEAF-KEY'),
    );
    writeFileSync(file, 'x');
    const following = call(file, ['--wait']);
    await become(statusWith({ outcomes: [ended()] }));
    assert.equal(await following, 1);
    assert.equal(asks.length, 2);
    assert.match(io.err.text, /^NL-LEAF-KEY /);
  });
});
