import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The file of a token that its module rewrites at each login, in place: it is emptied, then written at once, and not synced. A kill or
 * a power cut in between leaves it empty. It holds label, flags and PINs, and what the keys are encrypted with, so the token is lost
 * with all its keys.
 */
export interface Rewritten {
  /** As the token gives it (CK_TOKEN_INFO). */
  readonly manufacturer: string;
  readonly module: RegExp;
  readonly file: string;
  /** So many bytes at its beginning count the logins. */
  readonly counted: number;
  /** The directory with a directory for each token. */
  directory(env: NodeJS.ProcessEnv): string | undefined;
  isWhole(file: Buffer): boolean;
}

/** Type (0x8000534d) and kind (bytes) of the PIN of the user, which is the last attribute in the file. */
const USER_PIN = Buffer.from('000000008000534d0000000000000003', 'hex');

/** SoftHSM 2.6.1: ftruncate, the end of its lock, write. */
export const SOFTHSM: Rewritten = {
  manufacturer: 'SoftHSM project',
  module: /softhsm2?\.so$/,
  file: 'token.object',
  counted: 8,
  /** By softhsm2.conf(5): the first of these files that can be read. */
  directory({ SOFTHSM2_CONF, HOME = '/' }) {
    const own = join(HOME, '.config/softhsm2/softhsm2.conf');
    const files =
      SOFTHSM2_CONF === undefined ? [own, '/etc/softhsm/softhsm2.conf', '/etc/softhsm2.conf'] : [SOFTHSM2_CONF];
    // Where it is not there, or closed, the module cannot read it either.
    const text = files.map(read).find((one) => one !== undefined);
    return /^\s*directories\.tokendir\s*=\s*(\S.*?)\s*$/m.exec(String(text))?.[1];
  },
  isWhole(file) {
    const value = file.lastIndexOf(USER_PIN) + 24;
    return value > 24 && value <= file.length && value + file.readUInt32BE(value - 4) === file.length;
  },
};

/** opencryptoki 3.23: fopen with "w", then write, under its lock. The last 64 bytes are a salt; a token may append something of its own. */
const OPENCRYPTOKI: Rewritten = {
  manufacturer: 'IBM',
  module: /libopencryptoki\.so$/,
  file: 'NVTOK.DAT',
  counted: 0,
  directory: () => '/var/lib/opencryptoki',
  isWhole: (file) => file.length >= 592 && file.subarray(528, 592).some((byte) => byte !== 0),
};

export const REWRITTEN: readonly Rewritten[] = [SOFTHSM, OPENCRYPTOKI];

/** The directories of the tokens. */
export function placesOf({ directory }: Rewritten, env: NodeJS.ProcessEnv): readonly string[] {
  const all = directory(env);
  try {
    const entries = all === undefined ? [] : readdirSync(all, { withFileTypes: true });
    return entries.filter((one) => one.isDirectory()).map(({ name }) => join(all ?? '', name));
  } catch {
    return [];
  }
}

/** Undefined where it cannot be read. */
export function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
