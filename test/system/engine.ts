import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';

const ENGINES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((triplet) => `usr/lib/${triplet}/engines-3/pkcs11.so`);

/** Why a test is skipped there. */
export const NO_STUNNEL = 'the pkcs11-provider of Debian 12 is too old';

/** Takes the engine of OpenSSL away. @returns whether stunnel is there to take its place */
export function losesEngine({ root }: Machine): boolean {
  for (const file of ENGINES) rmSync(join(root, file), { force: true });
  return existsSync(join(root, 'usr/bin/stunnel'));
}
