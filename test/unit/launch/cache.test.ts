import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cacheOf, readCache, sealed } from '../../../agent/launch/cache.ts';
import { REPAIR } from '../../../agent/launch/damaged.ts';
import { bundle, bundleApart } from '../../../scripts/build.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'newleaf-launch-'));
const newleaf = join(directory, 'newleaf.js');
const file = join(directory, 'quick.js');
const cache = cacheOf(file);
/** Length of what stands before the source. */
const head = `${process.version} ${process.arch}\n`.length;

function flipped(whole: Buffer, at: number): Buffer {
  const other = Buffer.from(whole);
  other[at] = (whole[at] ?? 0) ^ 1;
  return other;
}

before(async () => {
  await Promise.all([bundle(join(root, 'agent', 'launch', 'launch.ts'), directory), bundleApart(directory)]);
});
after(() => rmSync(directory, { recursive: true }));

const write = (name: string, env: NodeJS.ProcessEnv = process.env) =>
  spawnSync(process.execPath, [newleaf, 'internal-cache', name], { env }).status;
const version = (...flags: readonly string[]) =>
  execFileSync(process.execPath, [...flags, newleaf, 'version', '--json'], { encoding: 'utf8' });
/** What V8 says of the cache of quick.js in a new process. */
function verdict(...flags: readonly string[]): boolean | undefined {
  const text = `const { readFileSync } = require('node:fs');
    const both = readFileSync(${JSON.stringify(cache)}).subarray(${head} + readFileSync(${JSON.stringify(file)}).length);
    const cachedData = both.subarray(0, both.length / 2);
    const source = require('node:module').wrap(readFileSync(${JSON.stringify(file)}, 'latin1'));
    console.log(new (require('node:vm').Script)(source, { cachedData }).cachedDataRejected);`;
  return JSON.parse(execFileSync(process.execPath, [...flags, '-e', text], { encoding: 'utf8' }));
}

test('what is written is taken, and nobody else can write it', () => {
  for (const name of ['quick', 'daemon']) assert.equal(write(name), 0);
  assert.equal(verdict(), false);
  assert(readCache(cache, readFileSync(file)));
  assert.match(version(), /"version"/);
});

test('a start of the daemon is in its cache; without a place to play it, what its loading has compiled', () => {
  const played = statSync(join(directory, 'daemon.cache')).size;
  rmSync(join(directory, 'daemon.cache'));
  assert.equal(write('daemon', { ...process.env, TMPDIR: '/none' }), 0);
  const loaded = statSync(join(directory, 'daemon.cache')).size;
  assert(played > 1.3 * loaded, `${played} and ${loaded} bytes`);
});

test('V8 refuses it under other flags, and the command works', () => {
  assert.equal(verdict('--no-flush-bytecode'), true);
  assert.match(version('--no-flush-bytecode'), /"version"/);
});

test('one that does not fit is not read', () => {
  const source = readFileSync(file);
  const other = Buffer.from(source);
  // V8 looks at its length only.
  other[other.length - 2] = 0x20;
  assert.equal(readCache(cache, other), undefined, 'the source is another');
  const whole = readFileSync(cache);
  const rows: readonly (readonly [string, Buffer])[] = [
    ['it is empty', Buffer.alloc(0)],
    ['it is cut off', whole.subarray(0, whole.length / 2)],
    ['its last byte is missing', whole.subarray(0, -1)],
    ['a bit of the second is flipped', flipped(whole, whole.length - 1)],
    ['a bit of the first is flipped', flipped(whole, head + source.length)],
    ['it is of another Node', flipped(whole, 1)],
  ];
  for (const [why, content] of rows) {
    writeFileSync(cache, content);
    assert.equal(readCache(cache, source), undefined, why);
    assert.match(version(), /"version"/, why);
  }
  writeFileSync(cache, whole);
  assert(readCache(cache, source));
  const both = whole.subarray(head + source.length);
  assert.deepEqual(sealed(source, both.subarray(0, both.length / 2)), whole);
});

test('one that another user could have written is not read', () => {
  const source = readFileSync(file);
  chmodSync(cache, 0o664);
  assert.equal(readCache(cache, source), undefined, 'group');
  chmodSync(cache, 0o646);
  assert.equal(readCache(cache, source), undefined, 'others');
  chmodSync(cache, 0o644);
  assert(readCache(cache, source));
  chownSync(cache, 65_534, 65_534);
  assert.equal(readCache(cache, source), undefined, 'owner');
});

test('where nothing can be written, the installer is told, and the program works without', (t) => {
  const bare = mkdtempSync(join(tmpdir(), 'newleaf-bare-'));
  t.after(() => rmSync(bare, { recursive: true }));
  cpSync(directory, bare, { recursive: true, filter: (path) => !path.endsWith('.cache') });
  const status = spawnSync(process.execPath, [
    '-e',
    `process.argv = ['', ${JSON.stringify(join(bare, 'newleaf.js'))}, 'internal-cache', 'quick'];
     require('node:fs').openSync = () => { throw new Error('EROFS'); };
     require(process.argv[1]);`,
  ]).status;
  assert.notEqual(status, 0);
  const said = execFileSync(process.execPath, [join(bare, 'newleaf.js'), 'version'], { encoding: 'utf8' });
  assert.match(said, /^newleaf /);
});

for (const [part, how, ...line] of [
  ['quick', 'is cut short', 'version'],
  ['quick', 'is gone', 'version'],
  ['whole', 'is cut short', 'check'],
  ['whole', 'is gone', 'check'],
  ['newleaf', 'has no pkcs11.node', 'check'],
] as const)
  test(`${part}.js ${how}: one sentence, with the cure`, (t) => {
    const cut = mkdtempSync(join(tmpdir(), 'newleaf-cut-'));
    t.after(() => rmSync(cut, { recursive: true }));
    cpSync(directory, cut, { recursive: true });
    const damaged = join(cut, `${part}.js`);
    if (how === 'is gone') rmSync(damaged);
    else if (part === 'newleaf') rmSync(join(cut, 'build'), { recursive: true, force: true });
    else truncateSync(damaged, 100_000);
    const { status, stderr } = spawnSync(process.execPath, [join(cut, 'newleaf.js'), ...line], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^newleaf cannot start: ${damaged} cannot be loaded \\(.*\\)\\. .*\\n$`));
    assert.ok(stderr.endsWith(`${REPAIR}\n`), stderr);
  });
