import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectionTo } from '../../../agent/config/draft.ts';

const WANTED = 'must be a URL that begins with https://, as https://ca.example.com/.well-known/est';

const ROWS: readonly (readonly [url: string, objection: RegExp | string | undefined])[] = [
  ['https://ca.example.com/.well-known/est', undefined],
  ['HTTPS://ca.example.com:8443/.well-known/est/label', undefined],
  ['http://ca.example.com', /^must begin with https:\/\/, not http:\/\/, as EST proves the server by TLS: .* leaf/],
  ['htps://ca', WANTED],
  ['https//ca', WANTED],
  ['https:/ca', WANTED],
  ['https:ca', WANTED],
  ['https://', WANTED],
  ['https://ca:port', WANTED],
  ['ca.example.com', WANTED],
  ['', WANTED],
  ['https://u:s3cret@ca', /^must not hold credentials[^3]*$/],
  ['https://ca/?a=1', /^must end with the path/],
];

for (const [url, expected] of ROWS)
  test(`issuer.est.url: ${url || 'nothing'}`, () => {
    const objection = objectionTo('issuer.est.url', url);
    if (expected instanceof RegExp) assert.match(objection ?? '', expected);
    else assert.equal(objection, expected);
  });
