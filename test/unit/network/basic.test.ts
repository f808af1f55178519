import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { basicOf } from '../../../agent/network/basic.ts';

/** RFC 7617 section 2, its own example. */
const HEADER = 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==';

describe('a password for HTTP Basic, as editors write its file', () => {
  for (const [how, content] of [
    ['alone', 'open sesame'],
    ['with a line end', 'open sesame\n'],
    ['on Windows', 'open sesame\r\n'],
    ['by Notepad, with a byte order mark', '\uFEFFopen sesame\r\n'],
  ] as const)
    test(how, () => assert.equal(basicOf('Aladdin', content), HEADER));

  test('keeps its own spaces, and a second line end', () => {
    const [, encoded = ''] = basicOf('Aladdin', ' open \n\n').split(' ');
    assert.equal(Buffer.from(encoded, 'base64').toString(), 'Aladdin: open \n');
  });
});
