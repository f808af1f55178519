import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { adoptedChain, adoptedFile } from '../../../agent/state/adopted.ts';
import { scratch } from './disk.ts';

test('the chain that init has taken over, or none', async (t) => {
  const directory = scratch(t);
  assert.equal(await adoptedChain(directory), undefined);
  writeFileSync(adoptedFile(directory), 'a chain');
  assert.equal(await adoptedChain(directory), 'a chain');
});

test('one that cannot be read is not taken for none: the gateway would get another leaf', async (t) => {
  const directory = scratch(t);
  mkdirSync(adoptedFile(directory));
  await assert.rejects(adoptedChain(directory), { code: 'EISDIR' });
});
