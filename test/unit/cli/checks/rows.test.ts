import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHECKS } from '../../../../agent/cli/checks/list.ts';
import { AZURE } from './azure.ts';
import { DAEMON } from './daemon.ts';
import { FILES } from './files.ts';
import { ISSUERS } from './issuers.ts';
import { LEAF } from './leaf.ts';
import { found } from './row.ts';
import { TOKEN } from './token.ts';
import { TPM } from './tpm.ts';
import { UPLINK } from './uplink.ts';

const checks = [FILES, TOKEN, LEAF, AZURE, ISSUERS, DAEMON, TPM, UPLINK].flatMap((table) => Object.entries(table));

describe('checks', () => {
  for (const [id, rows] of checks) {
    for (const [name, change, expected, toml] of rows)
      test(`${id}: ${name}`, async () => assert.match(await found(id, change, toml), expected));
  }

  test('there is a row for each', () => {
    assert.deepEqual(new Set(checks.map(([id]) => id)), new Set(CHECKS.map(({ id }) => id)));
  });
});
