import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stagedPin, storedPin, storePin } from '../../../../agent/cli/init/pin.ts';
import { DEFAULT_PATH, instanceOf } from '../../../../agent/config/config.ts';
import { inside, withOwnMounts } from '../../../namespace.ts';
import { withEnvironment } from '../../../put-back.ts';
import { account, scene } from './stage.ts';

const { pin: PIN_FILE } = instanceOf(DEFAULT_PATH);
const SEALED = '/etc/credstore.encrypted/hsm-pin';
const gateway = () => ({ ...scene().guide, account, file: DEFAULT_PATH });

/** An /etc of our own, and a systemd-creds that "opens" whatever is in the file. */
function furnish(): void {
  const place = mkdtempSync(join(tmpdir(), 'newleaf-'));
  execFileSync('mount', ['-t', 'tmpfs', 'newleaf-test', place]);
  const [bin, upper, work] = ['bin', 'upper', 'work'].map((name) => join(place, name)) as [string, string, string];
  for (const directory of [bin, upper, work]) mkdirSync(directory);
  const layers = `lowerdir=/etc,upperdir=${upper},workdir=${work}`;
  execFileSync('mount', ['-t', 'overlay', 'newleaf-test', '-o', layers, '/etc']);
  for (const directory of ['/etc/newleaf', '/etc/credstore.encrypted']) mkdirSync(directory, { recursive: true });
  writeFileSync(join(bin, 'systemd-creds'), '#!/bin/sh\ncat "$3"\n', { mode: 0o755 });
  withEnvironment({ PATH: `${bin}:${process.env.PATH}` });
  after(() => {
    for (const mounted of ['/etc', place]) execFileSync('umount', [mounted]);
    rmdirSync(place);
  });
}

if (process.getuid?.() !== 0) {
  test('a sealed PIN', { skip: 'an /etc of its own needs root' }, () => {});
} else if (inside(import.meta.filename, withOwnMounts())) {
  furnish();

  test('a PIN in place of one that is sealed: that is written nowhere in the clear', async () => {
    writeFileSync(SEALED, '4711\n');
    assert.equal(await storedPin(gateway()), '4711');
    await storePin(gateway(), 'newleaf', '4711');
    assert.ok(!existsSync(PIN_FILE), 'it is the same');
    const replaceBy = async (pin: string) => {
      const guide = gateway();
      await storePin(guide, 'newleaf', pin);
      assert.equal(await storedPin(guide), pin);
      assert.notEqual(await storedPin(gateway()), pin, 'the one in use stays until the configuration is written');
      await stagedPin(guide)?.replace();
    };
    await replaceBy('0815');
    assert.equal(readFileSync(PIN_FILE, 'utf8'), '0815\n');
    assert.ok(!existsSync(`${PIN_FILE}.bak`));
    await replaceBy('2342');
    assert.equal(readFileSync(`${PIN_FILE}.bak`, 'utf8'), '0815\n', 'but one that was in the file is kept');
    execFileSync('rm', [PIN_FILE, `${PIN_FILE}.bak`, `${PIN_FILE}-newleaf.new`]);
  });

  test('one with nothing in it is no PIN: it would cost a try', async () => {
    writeFileSync(SEALED, '\n');
    await assert.rejects(storedPin(gateway()), { kind: 'pin-file', message: `The sealed PIN ${SEALED} is empty.` });
  });
}
