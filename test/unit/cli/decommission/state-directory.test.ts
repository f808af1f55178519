import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FILES, filesIn, removeFiles } from '../../../../agent/cli/decommission/state-directory.ts';
import { assertNotEnded, beginAnew, createJournal, endJournal, isGone } from '../../../../agent/state/journal.ts';
import { INIT_LOCK, LOCK } from '../../../../agent/state/lock.ts';
import { fault, scratch } from '../../state/disk.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');

/** What the sources put into a directory that is called so. */
function namesInSources(): readonly string[] {
  const places = ['agent', 'hsm'].map((place) => join(root, place));
  const files = places.flatMap((place) =>
    readdirSync(place, { recursive: true, encoding: 'utf8' }).map((name) => join(place, name)),
  );
  // These have a directory of their own there.
  const isBelow = (file: string) => file.startsWith(join(root, 'agent', 'uplink'));
  const texts = files
    .filter((file) => file.endsWith('.ts') && !isBelow(file))
    .map((file) => readFileSync(file, 'utf8'));
  return texts.flatMap((text) =>
    [...text.matchAll(/join\((?:\w+\.)*(?:d|stateD)irectory, '([\w.-]+)'\)/g)].map(([, name = '']) => name),
  );
}

describe('what decommission takes away', () => {
  test('every file that newleaf writes into its state directory', () => {
    // Looked for, not written: a unit of systemd, and what `become` and the credentials of systemd have.
    const foreign = ['newleaf.service', 'hsm-pin'];
    const unknown = namesInSources().filter((name) => !['state.json', ...FILES, ...foreign].includes(name));
    assert.deepEqual(unknown, [], 'add it to FILES of agent/cli/decommission/state-directory.ts');
    assert.ok(namesInSources().includes('leaf.pem'));
  });

  test('purging the package takes away the same files', () => {
    const removed = /rm -rf (state\.json [^;&]*?)\.cache/.exec(
      readFileSync(join(root, 'scripts/deb/postrm'), 'utf8'),
    )?.[1];
    const names = removed?.split(/[\s\\]+/).filter((name) => name !== '');
    assert.deepEqual(names?.sort(), ['state.json', LOCK, INIT_LOCK, ...FILES].sort());
  });

  test('those, and what a power cut has left of them, and nothing else; a link is not followed', async (t) => {
    const directory = join(scratch(t), 'state');
    const outside = join(directory, '..', 'outside');
    for (const path of [directory, outside, join(directory, 'csr')]) mkdirSync(path);
    writeFileSync(join(outside, 'precious.pem'), '');
    symlinkSync(outside, join(directory, 'inbox'));
    mkdirSync(join(directory, 'uplink', 'sensors', 'queue'), { recursive: true });
    writeFileSync(join(directory, 'uplink', 'sensors', 'queue', 'head'), '');
    symlinkSync(outside, join(directory, 'uplink', 'sensors', 'inbox'));
    const own = ['leaf.pem', 'state.json', '.state.json.new', 'refused-pin.json.new', 'ended.json'];
    const others = ['tokens', '.softhsm', 'leaf.pem.bak', 'new', '.new'];
    for (const name of [...own, ...others]) writeFileSync(join(directory, name), '');
    const found = await filesIn(directory);
    assert.equal(found.at(-1), 'state.json', 'it says that the gateway is given up');
    assert.deepEqual([...found].sort(), [...own, 'csr', 'inbox', 'uplink'].sort());
    await removeFiles(directory);
    assert.deepEqual(readdirSync(directory).sort(), [...others, 'state.json'].sort());
    assert.deepEqual(readdirSync(outside), ['precious.pem']);
    await removeFiles(directory);
  });

  test('a directory that somebody has put into the inbox stays, and keeps nothing else', async (t) => {
    const directory = scratch(t);
    const foreign = join(directory, 'inbox', 'folder');
    for (const path of [foreign, join(directory, 'csr'), join(directory, 'rejected')])
      mkdirSync(path, { recursive: true });
    for (const name of [
      'state.json',
      'leaf.pem',
      'inbox/gw.pem',
      'inbox/folder/file',
      'csr/a.pem',
      'rejected/x.reason',
    ])
      writeFileSync(join(directory, name), '');
    await removeFiles(directory);
    assert.deepEqual(readdirSync(directory), ['inbox', 'state.json']);
    assert.deepEqual(readdirSync(join(directory, 'inbox')), ['folder']);
    assert.deepEqual(readdirSync(foreign), ['file']);
  });

  test('no directory: nothing', async (t) => {
    assert.deepEqual(await filesIn(join(scratch(t), 'none')), []);
  });
});

describe('a journal that was ended', () => {
  const journal = (directory: string) => createJournal({ directory, validate: () => 'entry' });
  const said = fault('NL-STATE-DECOMMISSIONED', /This gateway was given up/);

  test('whatever was in it, nobody reads anything else', async (t) => {
    const directory = scratch(t);
    for (const before of [undefined, '{"format":1', '']) {
      if (before !== undefined) writeFileSync(join(directory, 'state.json'), before);
      await assertNotEnded(directory);
      await endJournal(directory, 0);
      await assert.rejects(journal(directory).read(), said);
      await assert.rejects(assertNotEnded(directory), said);
      await endJournal(directory, 1);
    }
  });

  test('one whose gateway is wholly gone stays until `init` begins anew', async (t) => {
    const directory = scratch(t);
    await endJournal(directory, 0);
    await beginAnew(directory);
    assert.deepEqual([await isGone(directory), await filesIn(directory)], [false, ['state.json']]);
    await endJournal(directory, 0, 'gone');
    assert.deepEqual([await isGone(directory), await filesIn(directory)], [true, []]);
    await assert.rejects(journal(directory).read(), said);
    await assert.rejects(assertNotEnded(directory), said);
    await beginAnew(directory);
    assert.equal(await journal(directory).read(), 'absent');
  });

  test('an entry that speaks of an end is none', async (t) => {
    const directory = scratch(t);
    await createJournal({ directory, validate: (entry) => entry }).write({ message: 'it has "ended"', ended: true });
    await assertNotEnded(directory);
  });
});
