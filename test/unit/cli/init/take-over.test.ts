import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Copied } from '../../../../agent/cli/init/copies.ts';
import { takenOver } from '../../../../agent/cli/init/copies.ts';
import { scratch } from '../../state/disk.ts';
import { account, scene } from './stage.ts';

describe('a file that only root can read', { skip: process.getuid?.() !== 0 }, () => {
  const rows: readonly (readonly [
    what: string,
    copied: Copied,
    typed: readonly string[] | undefined,
    before: string | undefined,
    owner: number | undefined,
    mode: number,
  ])[] = [
    ['a CA, in a script', { name: 'ca.pem' }, undefined, undefined, 0, 0o644],
    ['a key, in a script', { name: 'key.pem', isSecret: true }, undefined, undefined, account.uid, 0o600],
    ['a key, where another was', { name: 'key.pem', isSecret: true }, undefined, 'another', account.uid, 0o600],
    ['a CA, with a yes', { name: 'ca.pem' }, [''], undefined, 0, 0o644],
    ['a CA, with a no', { name: 'ca.pem' }, ['no'], undefined, undefined, 0],
    ['a CA in its place', { name: 'given.pem' }, ['yes'], undefined, 0, 0o644],
  ];
  for (const [what, copied, typed, before, owner, mode] of rows) {
    test(what, async (t) => {
      const directory = scratch(t);
      const given = join(directory, 'given.pem');
      const named = join(directory, copied.name);
      const target = before === undefined ? named : join(directory, 'key-2.pem');
      writeFileSync(given, 'text', { mode: 0o600 });
      if (before !== undefined) writeFileSync(named, before);
      const set = scene({ ...(typed && { typed }), errands: { whyUnreadable: async () => 'EACCES' } });
      const guide = { ...set.guide, account, file: join(directory, 'newleaf.toml') };
      const place = await takenOver(guide, given, 'text', copied);
      assert.equal(place, owner === undefined ? undefined : target);
      if (owner === undefined) return assert.ok(!existsSync(target));
      const { uid, mode: bits } = lstatSync(target);
      assert.deepEqual([uid, bits & 0o777, readFileSync(target, 'utf8')], [owner, mode, 'text']);
      if (before !== undefined) assert.equal(readFileSync(named, 'utf8'), before);
      assert.equal(guide.later.length, typed === undefined ? 1 : 0, 'a script that fails removes it again');
    });
  }
});
