import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Code, type Failure, Fault } from '../../../agent/failure/failure.ts';
import { withEnvironment } from '../../put-back.ts';
import { pkcs7 } from '../certificate/deliver.ts';
import { type Minted, mint, mintCa } from '../certificate/mint.ts';
import { CSR, failureOf, type Staged, script } from './script.ts';

const ca = await mintCa();
const leaf = await mint({ by: ca });
const pemOf = (...minted: Minted[]) => minted.map(({ der }) => new X509Certificate(der).toString()).join('');

/** The variables that the script has seen, by `env >"$HERE/env"`; values of one line only. */
const seen = ({ directory }: Staged, name: string) =>
  new RegExp(`^${name}=(.*)$`, 'm').exec(readFileSync(join(directory, 'env'), 'utf8'))?.[1];

describe('issued', () => {
  const answers: readonly (readonly [what: string, delivered: string | Buffer])[] = [
    ['PEM', pemOf(leaf, ca)],
    ['PEM with words around it', `issued:\n${pemOf(leaf, ca)}\n\n`],
    ['PKCS#7, DER', pkcs7(leaf, ca)],
  ];
  for (const [what, delivered] of answers) {
    test(what, async (t) => {
      const staged = script(t, 'cat "$HERE/answer"');
      writeFileSync(join(staged.directory, 'answer'), delivered);
      assert.equal(await staged.issue(), pemOf(leaf, ca));
    });
  }

  test('the request comes on stdin, arguments untouched by any shell', async (t) => {
    const staged = script(t, 'cat >"$HERE/stdin"; printf "%s\\n" "$@" >"$HERE/argv"; exit 2');
    await failureOf(staged.issue());
    assert.equal(readFileSync(join(staged.directory, 'stdin'), 'utf8'), CSR);
    assert.equal(readFileSync(join(staged.directory, 'argv'), 'utf8'), 'first argument\n$second\n');
  });

  test('and in the variables of certmonger; what is ours stays with us', async (t) => {
    const chain = pemOf(leaf, ca);
    const staged = script(
      t,
      'env >"$HERE/env"; printf %s "$CERTMONGER_CSR" >"$HERE/csr"; printf %s "$CERTMONGER_CERTIFICATE" >"$HERE/leaf"; exit 2',
      { environment: async () => ({ HERE: staged.directory, NEWLEAF_CERTIFICATE_CHAIN: chain }) },
    );
    withEnvironment({ WATCHDOG_USEC: '30000000' }, t);
    await failureOf(staged.issue());
    assert.equal(readFileSync(join(staged.directory, 'csr'), 'utf8'), CSR);
    assert.equal(readFileSync(join(staged.directory, 'leaf'), 'utf8'), pemOf(leaf));
    assert.equal(seen(staged, 'CERTMONGER_OPERATION'), 'SUBMIT');
    assert.equal(seen(staged, 'WATCHDOG_USEC'), undefined);
    assert.equal(seen(staged, 'CERTMONGER_CA_COOKIE'), undefined);
  });

  test('a first leaf has none before it', async (t) => {
    const staged = script(t, 'env >"$HERE/env"; exit 2');
    await failureOf(staged.issue());
    assert.equal(seen(staged, 'CERTMONGER_CERTIFICATE'), undefined);
    assert.equal(seen(staged, 'NEWLEAF_REGISTRATION_ID'), 'gw-0001');
  });
});

describe('what a program says by its exit code', () => {
  const rows: readonly (readonly [body: string, code: Code, kind: string, more: Partial<Failure>])[] = [
    ['echo id-7; exit 1', 'NL-CMD-WAIT', 'transient', {}],
    ['echo 90; echo id-7; exit 5', 'NL-CMD-WAIT', 'transient', { retryAfterMs: 90_000 }],
    ['echo " 90 "; exit 5', 'NL-CMD-WAIT', 'transient', { retryAfterMs: 90_000 }],
    ['echo "no such"; echo device; exit 2', 'NL-CMD-REFUSED', 'refused', { cause: 'no such device' }],
    ['echo "no such device" >&2; exit 2', 'NL-CMD-REFUSED', 'refused', { cause: 'no such device' }],
    ['exit 2', 'NL-CMD-REFUSED', 'refused', {}],
    ['echo "no route"; exit 3', 'NL-CMD-UNREACHABLE', 'transient', { cause: 'no route' }],
    ['echo "no key"; exit 4', 'NL-CMD-UNCONFIGURED', 'broken', { cause: 'no key' }],
    ['exit 6', 'NL-CMD-UNCONFIGURED', 'broken', {}],
    ['exit 17', 'NL-ISSUER-NEW-KEY', 'refused', {}],
    ['echo oops >&2; exit 7', 'NL-CMD-FAILED', 'transient', { cause: 'oops' }],
    ['exit 16', 'NL-CMD-FAILED', 'transient', { message: 'The command ended with 16, which means nothing here.' }],
    ['kill -9 $$', 'NL-CMD-FAILED', 'transient', { message: 'The command was ended by SIGKILL.' }],
    ['echo soon; echo id-7; exit 5', 'NL-CMD-FAILED', 'transient', {}],
    ['echo -5; exit 5', 'NL-CMD-FAILED', 'transient', {}],
    ['head -c 5000 /dev/zero | tr "\\0" x; exit 1', 'NL-CMD-FAILED', 'transient', {}],
    ['printf "a\\0b"; exit 1', 'NL-CMD-FAILED', 'transient', {}],
    ['echo "Your request has been received."', 'NL-LEAF-PARSE', 'refused', {}],
    ['head -c 1000 /dev/zero', 'NL-LEAF-PARSE', 'refused', {}],
    ['', 'NL-LEAF-PARSE', 'refused', {}],
    ['exec <&-; sleep 0.05; exit 3', 'NL-CMD-UNREACHABLE', 'transient', {}],
  ];
  for (const [body, code, kind, more] of rows) {
    test(`${body}: ${code}`, async (t) => {
      const failure = await failureOf(script(t, body).issue());
      assert.deepEqual({ code: failure.code, kind: failure.kind }, { code, kind });
      for (const [field, value] of Object.entries(more)) assert.equal(failure[field as keyof Failure], value);
      if (more.cause === undefined && code !== 'NL-LEAF-PARSE') assert.equal(failure.cause, undefined);
    });
  }

  const broken: readonly (readonly [what: string, argv: (directory: string) => string[]])[] = [
    ['is not there', (directory) => [join(directory, 'none')]],
    ['is not executable', (directory) => [join(directory, 'plain')]],
    ['is a directory', (directory) => [directory]],
  ];
  for (const [what, argvIn] of broken) {
    test(`a program that ${what}: NL-CMD-FAILED`, async (t) => {
      const { directory } = script(t, '');
      writeFileSync(join(directory, 'plain'), '#!/bin/sh\n', { mode: 0o600 });
      const argv = argvIn(directory);
      const { code, message, cause } = await failureOf(script(t, '', { argv }).issue());
      assert.deepEqual([code, message], ['NL-CMD-FAILED', `${argv[0]} cannot be run.`]);
      assert.match(cause ?? '', /ENOENT|EACCES/);
    });
  }
});

describe('the cookie', () => {
  const asked = 'env >"$HERE/env"; echo "$CERTMONGER_OPERATION" >>"$HERE/asked"; ';
  const operations = ({ directory }: Staged) => readFileSync(join(directory, 'asked'), 'utf8').trim().split('\n');

  test('comes back with the next call for the same request, and with no other', async (t) => {
    const staged = script(t, `${asked} printf "id 7\\nof today\\n"; exit 1`);
    await failureOf(staged.issue());
    await failureOf(staged.issue());
    assert.equal(seen(staged, 'CERTMONGER_CA_COOKIE'), 'id 7');
    await failureOf(staged.issue(CSR.replace('MAA=', 'MAB=')));
    assert.equal(seen(staged, 'CERTMONGER_CA_COOKIE'), undefined);
    assert.deepEqual(operations(staged), ['SUBMIT', 'POLL', 'SUBMIT']);
  });

  test('stays where the program has nothing new to say, or failed', async (t) => {
    const staged = script(t, `${asked} [ -e "$HERE/exit" ] || { echo id-7; exit 1; }; . "$HERE/exit"`);
    await failureOf(staged.issue());
    for (const exit of ['exit 1', 'echo 5; exit 5', 'exit 3', 'exit 4', 'exit 9', 'kill $$']) {
      writeFileSync(join(staged.directory, 'exit'), exit);
      await failureOf(staged.issue());
      assert.match(staged.cookie ?? '', / id-7$/, exit);
    }
    assert.deepEqual(operations(staged).slice(1), Array(6).fill('POLL'));
  });

  test('that cannot be kept is told, and before the answer to the request', async (t) => {
    const full = new Fault('NL-STATE-WRITE');
    const cookies = { read: async () => undefined, write: () => Promise.reject(full) };
    const { code } = await failureOf(script(t, 'echo id-7; exit 1', { cookies }).issue());
    assert.equal(code, 'NL-STATE-WRITE');
  });

  for (const exit of [0, 2, 17]) {
    test(`is forgotten with exit code ${exit}`, async (t) => {
      const staged = script(t, `[ "$CERTMONGER_OPERATION" = POLL ] && exit ${exit}; echo 1; echo id-7; exit 5`);
      await failureOf(staged.issue());
      assert.match(staged.cookie ?? '', / id-7$/);
      await failureOf(staged.issue());
      assert.equal(staged.cookie, undefined);
    });
  }
});
