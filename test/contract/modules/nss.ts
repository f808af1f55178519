import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pulled } from '../token/absence.ts';
import type { TestToken } from '../token/softhsm.ts';
import { assertAlone, LIBRARIES } from './alone.ts';

const PIN = 'Geheim-12';

/**
 * The soft token of NSS. softokn is told where its database is by a parameter of C_Initialize, which neither libp11 nor
 * newleaf hands over: p11-kit does, for every user of its proxy.
 */
export function nss(): TestToken {
  assertAlone();
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-nss-'));
  const database = join(directory, 'database');
  mkdirSync(database);
  const pinFile = join(directory, 'first-pin');
  writeFileSync(pinFile, PIN);
  execFileSync('certutil', ['-N', '-d', `sql:${database}`, '-f', pinFile], { stdio: 'pipe' });
  const parameters = `configdir='sql:${database}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=`;
  writeFileSync(
    '/usr/share/p11-kit/modules/nss.module',
    `module: ${LIBRARIES}/libsoftokn3.so\nx-init-reserved: ${parameters}\n`,
  );
  const remove = () => rmSync(directory, { recursive: true });
  const module = `${LIBRARIES}/p11-kit-proxy.so`;
  return {
    module,
    token: 'NSS Certificate DB',
    pin: PIN,
    environment: {},
    lacks: ['local'],
    // It has its files open, and writes nothing where it cannot make a journal beside them.
    absences: [pulled(database, { away: 'signed', back: 'signed' })],
    directory,
    remove,
  };
}
