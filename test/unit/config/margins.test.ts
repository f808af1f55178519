import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig, x509Of } from '../../../agent/config/config.ts';
import { failure } from '../../../agent/failure/failure.ts';
import { pauseMs, probeMs } from '../../../agent/roll/backoff.ts';
import { dueAt } from '../../../agent/roll/terms.ts';
import { complaints } from './complaints.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const configuration = (renewAt: string) => `
dps.id_scope = "0ne00000000"
dps.registration_id = "gw-0001"
hsm.module = "/usr/lib/softhsm/libsofthsm2.so"
hsm.token = "newleaf"
leaf.issuer = "inbox"
leaf.renew_at = ${renewAt}
`;

const parsed = (renewAt: string) =>
  x509Of(parseConfig(configuration(JSON.stringify(renewAt)), 'FILE').config).leaf.renew_at;

describe('leaf.renew_at that can work is accepted', () => {
  const rows: readonly (readonly [written: string, meant: object | 'off'])[] = [
    ['10%', { share: 0.1 }],
    ['66%', { share: 0.66 }],
    ['99%', { share: 0.99 }],
    ['3hour', { leftMs: 3 * HOUR }],
    ['180min', { leftMs: 3 * HOUR }],
    ['10800s', { leftMs: 3 * HOUR }],
    ['30day', { leftMs: 30 * DAY }],
    ['off', 'off'],
  ];
  for (const [written, meant] of rows) test(written, () => assert.deepEqual(parsed(written), meant));
});

describe('leaf.renew_at that cannot work is refused at the start, with the reason', () => {
  const share = /^7: leaf\.renew_at must be a share of the lifetime \("10%" to "99%"\), the time left/;
  const rows: readonly (readonly [written: string, complaint: RegExp])[] = [
    ['"179min"', /^7: leaf\.renew_at must leave at least 3hour: .* or use a share, which adapts/],
    ['"10799s"', /must leave at least 3hour/],
    ['"1s"', /must leave at least 3hour/],
    ['"0hour"', /must leave at least 3hour/],
    ['"0%"', share],
    ['"9%"', share],
    ['"100%"', share],
    ['"66.5%"', share],
    ['"-3hour"', share],
    ['"1.5day"', share],
    ['"66"', share],
    ['"3 hour"', share],
    ['"3weeks"', share],
    ['"never"', share],
    ['""', share],
    ['66', /leaf\.renew_at must be/],
    ['0.66', /leaf\.renew_at must be/],
    ['false', /leaf\.renew_at must be/],
  ];
  for (const [written, complaint] of rows) {
    test(written, () => {
      assert.match(complaints(configuration(written)).join(), complaint);
    });
  }
});

/** How often the issuer is asked from the moment of renewal to the end of the leaf, with the longest pauses there are. */
function tries(lifetime: number, renewAt: string, pause: (times: number, remaining: number) => number): number {
  const due = dueAt({ notBefore: 0, notAfter: lifetime, serial: '' }, parsed(renewAt)) ?? lifetime;
  let times = 0;
  for (let at = due; at < lifetime; at += pause(times, lifetime - at)) times += 1;
  return times;
}

describe('at least three tries fit between the renewal and the end', () => {
  const outage = failure('NL-EST-UNREACHABLE');
  const unreached = (times: number, left: number) => pauseMs('request-leaf', times, outage, 1, left);
  const refused = (times: number, left: number) => probeMs(times, 1, left);
  const rows: readonly (readonly [lifetime: number, renewAt: string])[] = [
    [5 * MINUTE, '66%'],
    [10 * MINUTE, '66%'],
    [10 * MINUTE, '80%'],
    [HOUR, '90%'],
    [DAY, '90%'],
    [DAY, '3hour'],
    [30 * DAY, '99%'],
    [365 * DAY, '3hour'],
    [365 * DAY, '66%'],
  ];
  for (const [lifetime, renewAt] of rows) {
    test(`${lifetime / MINUTE} minutes, renew_at = ${renewAt}`, () => {
      assert.ok(tries(lifetime, renewAt, unreached) >= 3, 'nobody answers');
      assert.ok(tries(lifetime, renewAt, refused) >= 3, 'the issuer refuses');
    });
  }
});
