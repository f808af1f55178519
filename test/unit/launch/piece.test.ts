import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pieceFor } from '../../../agent/launch/piece.ts';
import { TOKEN_JOBS } from '../../../hsm/jobs.ts';

const ROWS = [
  ['', 'quick'],
  ['run', 'daemon'],
  ['run --config /etc/other.toml', 'daemon'],
  ['internal-go-on run', 'daemon'],
  ['--instance plant run', 'whole'],
  ['help', 'quick'],
  ['help init', 'quick'],
  ['--help', 'quick'],
  ['-V', 'quick'],
  ['status --json', 'quick'],
  ['internal-work destroy', 'quick'],
  ['internal-work apart', 'whole'],
  ['internal-go-on init', 'whole'],
  ['check', 'whole'],
  ['statu', 'whole'],
  ['uplink list', 'whole'],
] as const;

for (const [line, piece] of ROWS) {
  test(`newleaf ${line}: ${piece}`, () => {
    assert.equal(pieceFor(line.split(' ').filter(Boolean)), piece);
  });
}

test('the processes that work with the token: each that hsm starts is there, in both pieces', () => {
  assert.deepEqual(Object.keys(TOKEN_JOBS), ['anew', 'destroy', 'token', 'tpm']);
});
