import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closedOn, opening } from '../../../agent/config/closed.ts';
import { loadConfig } from '../../../agent/config/config.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { testAsOthers } from '../../as-others.ts';

testAsOthers(import.meta.filename, 'the first part of the way that is closed is named, and opened for reading', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'closed-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const [etc, away] = [join(root, 'etc'), join(root, 'away')];
  const [file, link, kept] = [join(etc, 'newleaf.toml'), join(etc, 'link.pem'), join(away, 'kept.pem')];
  for (const directory of [etc, away]) mkdirSync(directory);
  for (const path of [file, kept]) writeFileSync(path, '');
  symlinkSync('../away/kept.pem', link);
  for (const [closed, mode, path, expected, advice] of [
    [file, 0o644, file, undefined, ''],
    [file, 0o000, file, { path: file, isPassage: false }, `chmod 0644 ${file}`],
    [etc, 0o600, file, { path: etc, isPassage: true }, `chmod 0755 ${etc}`],
    [away, 0o600, link, { path: away, isPassage: true }, `chmod o+x ${away}`],
    [kept, 0o000, link, { path: kept, isPassage: false }, `chmod 0644 ${kept}`],
    [etc, 0o755, join(etc, 'missing'), undefined, ''],
  ] as const) {
    chmodSync(closed, mode);
    const found = closedOn(path);
    assert.deepEqual(found, expected, path);
    if (found !== undefined) assert.match(opening(found, etc), new RegExp(`^\`${advice.replaceAll(/[+.]/g, '.')}\``));
    if (path === file && found !== undefined)
      assert.throws(
        () => loadConfig(file),
        (error) => error instanceof Fault && error.failure.advice.includes(advice),
      );
    chmodSync(closed, 0o755);
  }
});
