import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run as ask } from '../../../agent/cli/request/ask.ts';
import { run as csr } from '../../../agent/cli/request/csr.ts';
import { failure } from '../../../agent/failure/failure.ts';
import { endJournal } from '../../../agent/state/journal.ts';
import { daemon } from '../control/daemon.ts';
import { scratch } from '../state/disk.ts';
import { args, configIn, ended, stage, statusWith } from './stage.ts';

const words = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

describe('a gateway that was given up: 4, and that a person decides', () => {
  const rows: readonly (readonly [line: string, how: 'ended' | 'gone', said: RegExp])[] = [
    ['roll', 'gone', /^NL-STATE-DECOMMISSIONED This gateway was given up .* → Leave newleaf off: .* Or begin anew/],
    ['roll --wait', 'gone', /^NL-STATE-DECOMMISSIONED .* → Leave newleaf off/],
    ['reprovision --wait', 'gone', /^NL-STATE-DECOMMISSIONED .* → Leave newleaf off/],
    [
      'reprovision --wait',
      'ended',
      /^NL-STATE-DECOMMISSIONED .* → It did not come to its end: run `newleaf decommission`/,
    ],
    ['csr', 'gone', /^NL-STATE-DECOMMISSIONED .* → Leave newleaf off/],
  ];
  for (const [line, how, said] of rows) {
    test(`newleaf ${line}, ${how}`, async (t) => {
      const directory = scratch(t);
      mkdirSync(join(directory, 'state'));
      await endJournal(join(directory, 'state'), 0, how);
      const io = stage();
      const run = line === 'csr' ? csr : ask;
      assert.equal(await run(args(...line.split(' '), '--config', configIn(directory)), io), 4);
      assert.match(words(io.err.text), said);
      assert.equal(io.out.text, '');
    });
  }

  test('one that was not, and whose daemon does not run: 5', async (t) => {
    const io = stage();
    assert.equal(await ask(args('roll', '--wait', '--config', configIn(scratch(t))), io), 5);
    assert.match(io.err.text, /^NL-DAEMON-DOWN /);
  });
});

test('a roll that ended at an occupied slot: 4, as only a person can empty it', async (t) => {
  const { code, message, advice } = failure('NL-TOKEN-OCCUPIED');
  const outcomes = [ended({ outcome: 'kept', code, message, advice })];
  const { directory } = await daemon(t, {
    async answer({ kind }) {
      if (kind === 'status') return { status: 200, body: statusWith({ outcomes }) };
      return { status: 202, body: { id: 'r1', phase: 'serving' } };
    },
  });
  const io = stage();
  assert.equal(await ask(args('roll', '--wait', '--config', configIn(directory)), io), 4);
  assert.match(words(io.err.text), /^NL-TOKEN-OCCUPIED .* → Let it stay, and give the keys of newleaf another name/);
});
