import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { register } from '../../clients/device.ts';
import { staged } from './stage.ts';

const PAGE = readFileSync(new URL('../../../scripts/enrollment/README.md', import.meta.url), 'utf8');
const [, section = ''] = PAGE.split('### From nothing to a verified root and an intermediate\n');
const [ca = '', proof = '', leaf = ''] = [...(section.split('\n## ')[0] ?? '').matchAll(/^```sh\n(.*?)^```$/gms)].map(
  ([, block = '']) => block,
);

const office = await staged();

const type = (block: string): void => {
  execFileSync('bash', ['-euc', block], { cwd: office.directory, stdio: 'pipe' });
};
const text = (name: string): Promise<string> => readFile(join(office.directory, name), 'utf8');

test('the blocks of the page, as they stand: a CA, the proof of its root, a group, and a leaf that DPS admits', async () => {
  const { endpoints, enrollments } = office.simulator;
  type(ca);
  const code = enrollments.cas.upload('our-root', await text('root.pem'));
  const added = await office.enroll([
    'add',
    'group',
    'gateways',
    '--certificate',
    join(office.directory, 'issuing-ca.pem'),
  ]);
  assert.equal(added.code, 0, added.err);
  // What `newleaf csr` makes on a gateway.
  type(
    "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj '/CN=gw-0001' -keyout gw.key -out gw-0001.csr",
  );
  type(leaf);
  const identity = { cert: await text('chain.pem'), key: await text('gw.key') };
  await assert.rejects(register(endpoints, 'gw-0001', identity), 'the root is not verified yet');
  type(proof.replace('THE_CODE_OF_THE_PORTAL', code));
  enrollments.cas.verify('our-root', await text('proof.pem'));
  const { deviceId } = await register(endpoints, 'gw-0001', identity);
  assert.equal(deviceId, 'gw-0001');
});
