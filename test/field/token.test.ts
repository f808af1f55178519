import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { softHsm } from '../contract/token/softhsm.ts';

const KIT = join(import.meta.dirname, '..', '..', 'scripts', 'field', 'token.ts');

test('scripts/field/token begins nothing without a yes: Ctrl-D is a no', (t) => {
  const { module, token, pin, environment, directory, remove } = softHsm();
  t.after(remove);
  const file = join(directory, 'pin');
  writeFileSync(file, pin);
  const argv = ['--import', 'tsx', KIT, '--module', module, '--token', token, '--pin-file', file];
  for (const input of ['', 'n\n']) {
    const ended = spawnSync(process.execPath, argv, {
      input,
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });
    assert.equal(ended.status, 1, `${ended.stdout}${ended.stderr}`);
    assert.match(ended.stdout, /Go on\? \[y\/N\] /);
    assert.doesNotMatch(ended.stdout, /Begun/);
  }
});
