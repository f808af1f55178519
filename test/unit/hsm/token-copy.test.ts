import assert from 'node:assert/strict';
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import pkcs11js from 'pkcs11js';
import { restoreTokens, withCopy } from '../../../hsm/token-copy.ts';

const SERIAL = '855d815dddfc5b02';
const NAME = { label: 'gw', serial: SERIAL, manufacturer: 'SoftHSM project', model: 'SoftHSM v2' };

const number = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
const attribute = (type: number, value: number | Buffer) =>
  Buffer.concat([number(0x8000_5300 + type), number(typeof value === 'number' ? 2 : 3), ...valued(value)]);
const valued = (value: number | Buffer) =>
  typeof value === 'number' ? [number(value)] : [number(value.length), value];

/** A token.object as SoftHSM 2.6.1 writes it. @param logins how often it has been written */
const written = (logins: number, pin = 0x11, label = 'gw'): Buffer =>
  Buffer.concat([
    number(logins),
    attribute(0x49, Buffer.from(label.padEnd(32))),
    attribute(0x4a, Buffer.from(SERIAL)),
    attribute(0x4b, 0x42d),
    attribute(0x4c, Buffer.alloc(72, 0x22)),
    // Its last byte may be zero.
    attribute(0x4d, Buffer.concat([Buffer.alloc(71, pin), Buffer.of(0)])),
  ]);

/** A token of SoftHSM, of which only one file matters. */
function token(t: TestContext, content = written(7)) {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-copy-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const own = join(directory, 'tokens', 'one');
  mkdirSync(own, { recursive: true });
  writeFileSync(join(directory, 'conf'), `directories.tokendir = ${directory}/tokens\n`);
  const [object, copy] = [join(own, 'token.object'), join(own, 'token.object.newleaf')];
  writeFileSync(object, content);
  const env = { SOFTHSM2_CONF: join(directory, 'conf') };
  const login = (work: () => void = () => undefined, name = NAME) => withCopy(name, work, env);
  return {
    directory,
    own,
    object,
    copy,
    env,
    login,
    reads: () => readFileSync(object),
    restore: () => restoreTokens(env, () => undefined),
  };
}

suite('the copy', () => {
  test('is there when the login begins, and only its user can read it', (t) => {
    const { own, copy, login } = token(t);
    let seen = Buffer.of();
    login(() => {
      seen = readFileSync(copy);
    });
    assert.deepEqual(seen, written(7));
    assert.equal(statSync(copy).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(own), ['token.object', 'token.object.newleaf']);
  });

  test('is written again only where more than the count of the logins has changed', (t) => {
    const { object, copy, login } = token(t);
    login();
    const { ino } = statSync(copy);
    writeFileSync(object, written(8));
    login();
    assert.deepEqual([statSync(copy).ino, readFileSync(copy)], [ino, written(7)]);
    writeFileSync(object, written(9, 0x33));
    login();
    assert.deepEqual(readFileSync(copy), written(9, 0x33));
  });

  test('is made of a file that is whole, and of the token that is meant', (t) => {
    for (const content of [
      Buffer.of(),
      written(7).subarray(0, 100),
      written(7).subarray(0, 232),
      Buffer.concat([written(7), Buffer.of(1)]),
    ]) {
      const { copy, login } = token(t, content);
      login();
      assert.throws(() => statSync(copy), { code: 'ENOENT' });
    }
    const { copy, login } = token(t);
    login(undefined, { ...NAME, serial: '0000000000000000' });
    login(undefined, { ...NAME, manufacturer: 'Yubico' });
    assert.throws(() => statSync(copy), { code: 'ENOENT' });
  });

  test('is no condition: a login goes on without it, and a refused one is told', (t) => {
    const { own, login } = token(t);
    let logins = 0;
    const count = () => {
      logins += 1;
    };
    // A directory in its place, as a read-only file system does not stop root.
    mkdirSync(join(own, 'token.object.newleaf'));
    login(count);
    withCopy(NAME, count, { SOFTHSM2_CONF: '/nowhere' });
    assert.equal(logins, 2);
    assert.throws(() => login(() => assert.fail('refused')), /refused/);
    assert.deepEqual(readdirSync(own), ['token.object', 'token.object.newleaf']);
  });
});

test('a login beside that of another process is made once more, and no other one', (t) => {
  const { login } = token(t);
  let logins = 0;
  const refused = (code: number, times: number) => () => {
    logins += 1;
    if (logins <= times) throw new Error(`CKR_X:${code}`);
  };
  const made = (work: () => void, name = NAME) => {
    logins = 0;
    try {
      login(work, name);
      return logins;
    } catch {
      return `${logins} refused`;
    }
  };
  const { CKR_GENERAL_ERROR: general, CKR_PIN_INCORRECT: wrong } = pkcs11js;
  assert.equal(made(refused(general, 1)), 2);
  assert.equal(made(refused(general, 9)), '2 refused');
  assert.equal(made(refused(wrong, 9)), '1 refused');
  assert.equal(made(refused(general, 9), { ...NAME, manufacturer: 'a card' }), '1 refused');
});

suite('what a login has left', () => {
  const whole = written(7);
  const zeros = Buffer.alloc(4096);
  for (const [what, left] of [
    ['nothing', Buffer.of()],
    ['less than a number', whole.subarray(0, 5)],
    ['the count alone', written(8).subarray(0, 8)],
    ['a part', written(8).subarray(0, 100)],
    ['all but the PIN of the user', written(8).subarray(0, 232)],
    ['zeros', zeros.subarray(0, whole.length)],
    ['a block of zeros', zeros],
    ['a part, and zeros', Buffer.concat([written(8).subarray(0, 100), zeros.subarray(0, 220)])],
  ] as const) {
    test(`${what}: the copy is put back`, (t) => {
      const { object, login, reads, restore } = token(t);
      login();
      writeFileSync(object, left);
      restore();
      assert.deepEqual(reads(), whole);
    });
  }

  for (const [what, left] of [
    ['the same with another count', written(8)],
    ['another PIN', written(8, 0x33)],
    ['another label', written(8, 0x11, 'initialised again')],
    [
      'a token that has been initialised again, without a PIN',
      Buffer.concat([written(9).subarray(0, 136), number(0x425), written(9).subarray(144, 232)]),
    ],
    ['a part of something else', written(8, 0x11, 'initialised again').subarray(0, 60)],
  ] as const) {
    test(`${what}: it stays`, (t) => {
      const { object, login, reads, restore } = token(t);
      login();
      writeFileSync(object, left);
      restore();
      assert.deepEqual(reads(), left);
    });
  }

  test('without a copy, or with one that is cut, it stays', (t) => {
    const { copy, object, reads, restore } = token(t, Buffer.of());
    restore();
    for (const cut of [0, 5, 200, 240]) {
      writeFileSync(copy, whole.subarray(0, cut));
      restore();
    }
    assert.deepEqual(reads(), Buffer.of());
    rmSync(object);
    writeFileSync(copy, whole);
    restore();
    assert.throws(() => statSync(object), { code: 'ENOENT' });
  });

  test('a login that is still at work is waited for', (t) => {
    const { object, env, login, reads } = token(t);
    login();
    writeFileSync(object, '');
    let pauses = 0;
    restoreTokens(env, () => {
      pauses += 1;
      if (pauses === 3) writeFileSync(object, written(8, 0x33));
    });
    assert.equal(pauses, 3);
    assert.deepEqual(reads(), written(8, 0x33));
  });

  test('root writes nothing into the directory of another user, nor where a link leads', {
    skip: process.geteuid?.() !== 0 && 'needs root',
  }, (t) => {
    const { directory, own, object, copy, login, reads, restore } = token(t);
    chownSync(own, 65534, 65534);
    login();
    assert.throws(() => statSync(copy), { code: 'ENOENT' });
    writeFileSync(copy, whole);
    writeFileSync(object, '');
    restore();
    assert.deepEqual(reads(), Buffer.of());
    chownSync(own, 0, 0);
    const elsewhere = join(directory, 'elsewhere');
    writeFileSync(elsewhere, '');
    rmSync(object);
    symlinkSync(elsewhere, object);
    restore();
    assert.equal(statSync(elsewhere).size, 0);
  });
});
