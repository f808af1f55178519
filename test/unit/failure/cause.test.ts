import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plainCause } from '../../../agent/failure/cause.ts';
import { failure, sentence } from '../../../agent/failure/failure.ts';
import { failureFields } from '../../../agent/machine/failure-fields.ts';

/** What connect(2), getaddrinfo(3) and a reset give where there is no network, or half of one. */
const CODES = [
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EAI_AGAIN',
  'EAI_FAIL',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
];

describe('an error of the network is told in words, with its code', () => {
  for (const code of CODES) test(code, () => assert.match(plainCause(code), new RegExp(`^[a-z][a-z ]+, ${code}$`)));

  test('in the line of systemctl status, and in the journal', () => {
    const met = failure('NL-HUB-UNREACHABLE', { cause: 'EADDRNOTAVAIL' });
    const words = 'this gateway has no address to send from, EADDRNOTAVAIL';
    assert.ok(sentence(met).includes(`cannot be reached. (${words}) `), sentence(met));
    assert.equal(failureFields(met).cause, words);
  });

  test('for each address that was dialled', () => {
    const cause = 'connect ETIMEDOUT 127.0.0.1:37369; connect EADDRNOTAVAIL ::1:37369 - Local (:::0)';
    assert.equal(
      plainCause(cause),
      '127.0.0.1:37369: there is no answer in time, ETIMEDOUT; ::1:37369: this gateway has no address to send from, EADDRNOTAVAIL',
    );
  });

  test('for a name, and for a connection that was open', () => {
    assert.equal(
      plainCause('getaddrinfo ENOTFOUND ca.example.com'),
      'ca.example.com: no name server knows it, ENOTFOUND',
    );
    assert.equal(
      plainCause('getaddrinfo EAI_AGAIN ca.example.com'),
      'ca.example.com: no name server answers, EAI_AGAIN',
    );
    assert.equal(plainCause('read ECONNRESET'), 'the connection is cut, ECONNRESET');
    assert.equal(plainCause('write EPIPE; read EODD'), 'the connection is cut, EPIPE; read EODD');
  });

  test('once: what is in words stays as it is', () => {
    for (const cause of ['connect EODD 10.0.0.1:1', 'CONNACK 3', 'cannot read EPIPE', plainCause('EPIPE')])
      assert.equal(plainCause(cause), cause);
  });
});
