import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/** What a user lacks, and the command that gives it. */
export interface Closed {
  readonly message: string;
  readonly advice: string;
}

/**
 * SoftHSM leaves out a token whose directory the user may not read, as if there were none (2.6.1: only its own log says
 * "Failed to open token"). Root sees all of them, so `pkcs11-tool -L` as root misleads. Undefined for other modules: their
 * tokens are not files, or nothing tells where.
 * @param module path of the PKCS#11 module
 */
export function closedTokens(module: string, env: NodeJS.ProcessEnv = process.env): Closed | undefined {
  if (!/softhsm2?\.so$/.test(module)) return undefined;
  const directory = tokenDirectory(env);
  const path = directory === undefined ? undefined : firstClosed(directory);
  if (path === undefined) return undefined;
  const { username } = userInfo();
  const of = path === directory ? 'the tokens of SoftHSM are' : 'a token of SoftHSM is';
  return {
    message: `The user ${username} may not read ${path}, where ${of}: root sees more there.`,
    advice: `If it is the token of this gateway: \`chown -R ${username}: ${path}\``,
  };
}

/** By softhsm2.conf(5): the first of these files that can be read. */
function tokenDirectory({ SOFTHSM2_CONF, HOME = '/' }: NodeJS.ProcessEnv): string | undefined {
  const own = join(HOME, '.config/softhsm2/softhsm2.conf');
  const files =
    SOFTHSM2_CONF === undefined ? [own, '/etc/softhsm/softhsm2.conf', '/etc/softhsm2.conf'] : [SOFTHSM2_CONF];
  for (const file of files) {
    try {
      return /^\s*directories\.tokendir\s*=\s*(\S.*?)\s*$/m.exec(readFileSync(file, 'utf8'))?.[1];
    } catch {
      // It is not there, or closed: the module cannot read it either.
    }
  }
  return undefined;
}

function firstClosed(directory: string): string | undefined {
  if (isClosed(directory)) return directory;
  try {
    const names = readdirSync(directory, { withFileTypes: true }).filter((one) => one.isDirectory());
    return names.map(({ name }) => join(directory, name)).find(isClosed);
  } catch {
    return undefined;
  }
}

function isClosed(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}
