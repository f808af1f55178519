import { execFileSync } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Kills processes in the middle of a login to SoftHSM, when the file that holds label and PIN of the token is empty. */
export interface CutLogin {
  /** For the processes that may be killed. */
  readonly environment: Readonly<Record<string, string>>;
  /** The next login is the end of its process. */
  lay(): void;
}

/** @param where for what it compiles */
export function cutLogin(where: string): CutLogin {
  const shim = join(where, 'cut-login.so');
  const laid = join(where, 'cut-login');
  execFileSync('gcc', ['-shared', '-fPIC', '-Wall', '-o', shim, join(import.meta.dirname, 'cut-login.c')]);
  return { environment: { LD_PRELOAD: shim, CUT_LOGIN: laid }, lay: () => writeFileSync(laid, '') };
}

/** The files of the only token below the directory of a SoftHSM of a test, and the bytes in its token.object. */
export function filesOfToken(directory: string) {
  const [name = ''] = readdirSync(join(directory, 'tokens'));
  const token = join(directory, 'tokens', name);
  const object = join(token, 'token.object');
  return { token, object, copy: join(token, 'token.object.newleaf'), size: () => statSync(object).size };
}
