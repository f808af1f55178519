import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { inGivenPlace, readGiven } from '../../../agent/machine/given-file.ts';
import { scratch } from '../state/disk.ts';

const NOBODY = 65534;

/** Directories of root below one that only root can change, and a home of another user, with a file each. */
function machine(t: TestContext) {
  // Directories below /tmp are not, nor below /run where that is a plain tmpfs: any user may make one there.
  const base = join('/var/lib', `newleaf-given-${basename(scratch(t))}`);
  mkdirSync(base);
  t.after(() => execFileSync('rm', ['-r', base]));
  const [etc, home] = [join(base, 'etc'), join(base, 'home')];
  for (const directory of [etc, home]) {
    mkdirSync(directory);
    writeFileSync(join(directory, 'file'), basename(directory), { mode: 0o600 });
  }
  mkdirSync(join(home, 'below'));
  for (const path of ['.', 'file', 'below']) chownSync(join(home, path), NOBODY, NOBODY);
  return { base, etc, home };
}
type Place = ReturnType<typeof machine>;

describe('root reads a file that a person has named', { skip: process.getuid?.() !== 0 }, () => {
  const taken: Readonly<Record<string, (at: Place) => string>> = {
    'of root': ({ etc }) => join(etc, 'file'),
    'of another user': ({ home }) => join(home, 'file'),
    'by a path from here': ({ etc }) => relative('.', join(etc, 'file')),
    'over a link of root': ({ base, etc }) => {
      symlinkSync('etc', join(base, 'link'));
      symlinkSync('../link/file', join(etc, 'other'));
      return join(base, 'link', 'other');
    },
    'of root, over a link of root to the home of another user': ({ base, home }) => {
      symlinkSync(home, join(base, 'link'));
      return join(base, 'link', 'file');
    },
    'of root, with a second name': ({ etc }) => {
      linkSync(join(etc, 'file'), join(etc, 'other'));
      return join(etc, 'file');
    },
  };
  for (const [what, of] of Object.entries(taken)) {
    test(`taken: ${what}`, (t) => assert.match(readGiven(of(machine(t))).toString(), /^(etc|home)$/));
  }

  const refused: Readonly<Record<string, readonly [of: (at: Place) => string, words: RegExp]>> = {
    'a link of another user': [
      ({ etc, home }) => {
        symlinkSync(join(etc, 'file'), join(home, 'link'));
        return join(home, 'link');
      },
      /has a link on its way, or a second name, which another user may have made: root takes none$/,
    ],
    'a link of another user on the way': [
      ({ etc, home }) => {
        symlinkSync(etc, join(home, 'link'));
        return join(home, 'link', 'file');
      },
      /a link on its way/,
    ],
    'a link of root, but behind one of another user': [
      ({ base, etc, home }) => {
        symlinkSync('file', join(etc, 'other'));
        symlinkSync(base, join(home, 'link'));
        return join(home, 'link', 'etc', 'other');
      },
      /a link on its way/,
    ],
    'a link in a directory that all may write to': [
      ({ base, etc }) => {
        const all = join(base, 'all');
        mkdirSync(all);
        chmodSync(all, 0o1777);
        symlinkSync(join(etc, 'file'), join(all, 'link'));
        return join(all, 'link');
      },
      /a link on its way/,
    ],
    'a second name that another user has given to a file of root': [
      ({ etc, home }) => {
        linkSync(join(etc, 'file'), join(home, 'other'));
        return join(home, 'other');
      },
      /a second name/,
    ],
    'links in a circle': [
      ({ etc }) => {
        symlinkSync('b', join(etc, 'a'));
        symlinkSync('a', join(etc, 'b'));
        return join(etc, 'a');
      },
      /leads in circles/,
    ],
    'a pipe, which it does not wait for': [
      ({ home }) => {
        execFileSync('mkfifo', [join(home, 'pipe')]);
        return join(home, 'pipe');
      },
      /no regular file/,
    ],
    'a directory': [({ etc }) => etc, /no regular file/],
    'none at all': [({ etc }) => join(etc, 'none'), /ENOENT/],
  };
  for (const [what, [of, words]] of Object.entries(refused)) {
    test(`refused: ${what}`, (t) => {
      const path = of(machine(t));
      assert.throws(() => readGiven(path), { message: words });
    });
  }
});

describe('root writes a file that a person has named', { skip: process.getuid?.() !== 0 }, () => {
  test('into the directory that was there, whatever its owner puts in its place', async (t) => {
    const { etc, home } = machine(t);
    const below = join(home, 'below');
    await inGivenPlace(join(below, 'new'), async (held) => {
      renameSync(below, `${below}.old`);
      symlinkSync(etc, below);
      await writeFile(held, 'written', { flag: 'wx' });
    });
    assert.deepEqual(readdirSync(etc), ['file']);
    assert.equal(readFileSync(join(`${below}.old`, 'new'), 'utf8'), 'written');
  });

  test('not over a link of another user', async (t) => {
    const { etc, home } = machine(t);
    symlinkSync(etc, join(home, 'link'));
    const write = inGivenPlace(join(home, 'link', 'new'), async () => assert.fail('it was led elsewhere'));
    await assert.rejects(write, { message: /a link on its way/ });
  });
});
