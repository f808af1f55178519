import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, type TestContext, test } from 'node:test';
import { look, remove } from '../../../scripts/field/token-look.ts';
import { withEnvironment } from '../../put-back.ts';
import { softHsm, type TestToken } from '../token/softhsm.ts';

const COMMAND = join(import.meta.dirname, '..', '..', '..', 'scripts', 'field', 'token');

/** A token with the key of somebody, whose label is `label`. */
function token(t: TestContext, label: string): TestToken {
  const at = softHsm('mine');
  t.after(() => at.remove());
  tool(at, '--keypairgen', '--key-type', 'EC:prime256v1', '--label', label, '--id', '0aa0');
  writeFileSync(join(at.directory, 'my-pin'), `${at.pin}\n`);
  return at;
}

/** pkcs11-tool, logged in: what it prints. */
function tool({ module, token, pin, environment }: TestToken, ...argv: readonly string[]): string {
  const login = ['--module', module, '--token-label', token, '--login', '--pin', pin];
  return execFileSync('pkcs11-tool', [...login, ...argv], {
    env: { ...process.env, ...environment },
    stdio: 'pipe',
    encoding: 'utf8',
  });
}

const labels = (at: TestToken): readonly string[] =>
  [...tool(at, '--list-objects').matchAll(/label: +(.*)/g)].map(([, label = '']) => label).toSorted();

/** The command, begun on this token. */
function begun(at: TestToken, ...argv: readonly string[]) {
  const where = ['--module', at.module, '--token', at.token, '--pin-file', join(at.directory, 'my-pin')];
  const report = ['--report', join(at.directory, 'report')];
  return spawn(COMMAND, [...where, ...report, ...argv], {
    // Else the runner inside takes itself for a part of this one, and runs nothing.
    env: { ...process.env, ...at.environment, NODE_TEST_CONTEXT: undefined },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
}

async function ended(child: ReturnType<typeof begun>) {
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code, out, err };
}

suite('scripts/field/token', () => {
  test('tries a token, writes a report, and leaves the key that was there', async (t) => {
    const at = token(t, 'mykey');
    const { code, out, err } = await ended(begun(at, '--yes'));
    assert.equal(code, 0, `${out}${err}`);
    assert.match(out, /2 keys and certificates/);
    assert.match(out, /keeps every promise/);
    assert.match(readFileSync(join(at.directory, 'report'), 'utf8'), /^Module .*SoftHSM.*firmware.*20 rolls.*fail 0/s);
    assert.deepEqual(labels(at), ['mykey', 'mykey']);
  });

  test('Ctrl-C: the report says so, and the key that was there stays', async (t) => {
    const at = token(t, 'mykey');
    const child = begun(at, '--yes');
    const over = ended(child);
    child.stdout.on('data', (part) => {
      if (String(part).includes('Begun.')) process.kill(-(child.pid ?? 0), 'SIGINT');
    });
    const { code, out } = await over;
    assert.notEqual(code, 0);
    assert.doesNotMatch(out, /keeps every promise/);
    assert.deepEqual(labels(at), ['mykey', 'mykey']);
  });

  test('what the tests have left is removed, and nothing else', (t) => {
    const at = token(t, 'mykey');
    withEnvironment(at.environment, t);
    const { objects } = look(at, at.pin);
    tool(at, '--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'newleaf-a', '--id', '0bb0');
    // Of the same label as that of the person.
    tool(at, '--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'mykey', '--id', '0cc0');
    assert.equal(remove(at, at.pin, objects), 4);
    assert.deepEqual(look(at, at.pin).objects, objects);
  });

  test('the token of a gateway, a wrong word, a token that is not there, no consent: nothing is tried', async (t) => {
    const at = token(t, 'newleaf-a');
    const gateway = await ended(begun(at, '--yes'));
    assert.equal(gateway.code, 2, gateway.err);
    assert.match(gateway.err, /holds "newleaf-a", .*token of a gateway/);
    const wrong = await ended(begun(at, '--lacks', 'halves,wings'));
    assert.match(wrong.err, /no "wings"/);
    const absent = await ended(begun({ ...at, token: 'other' }, '--yes'));
    assert.match(absent.err, /no.* exactly one token "other".*"mine"/);
    const mine = token(t, 'mykey');
    const asked = begun(mine);
    asked.stdin.end('n\n');
    const { code, out } = await ended(asked);
    assert.equal(code, 1);
    assert.doesNotMatch(out, /refusals/);
  });
});
