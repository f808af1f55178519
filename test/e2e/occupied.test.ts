import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serving } from './stage/site.ts';

const OTHERS = ['--label', 'newleaf-b', '--id', 'beef'];

test('a foreign key in the next slot is in the way of each command, until it is gone', async (t) => {
  const { gateway } = await serving(t);
  const { token } = gateway;
  const wait = ['--wait', '--timeout', '60s'];
  assert.deepEqual(token.privateKeys(), ['newleaf-a']);
  token.ask('--keypairgen', '--key-type', 'EC:prime256v1', ...OTHERS);
  for (const command of [['csr'], ['roll', ...wait], ['csr'], ['roll', ...wait]]) {
    const { code, err } = await gateway.command(...command);
    assert.equal(code, 4, err);
    assert.match(err, /^NL-TOKEN-OCCUPIED .*"newleaf-b",\s+CKA_ID beef/, command.join(' '));
    assert.match(
      err.replaceAll(/\s+/g, ' '),
      / → Let it stay, and give the keys of newleaf another name/,
      command.join(' '),
    );
  }
  const beside = await gateway.command('reprovision', ...wait);
  assert.equal(beside.code, 0, beside.err);

  for (const half of ['privkey', 'pubkey']) token.ask('--delete-object', '--type', half, ...OTHERS);
  const { code, err } = await gateway.command('roll', ...wait);
  assert.equal(code, 0, err);
  await gateway.settled();
  const { trouble, leaf } = await gateway.status();
  assert.deepEqual([trouble, leaf?.slot], [undefined, 'b']);
});
