import { accessSync, constants } from 'node:fs';
import { userInfo } from 'node:os';
import { emptyToken, tokenDirectory, tokensBelow } from './token-copy.ts';

/** Why a token is not shown, and the command that helps. */
export interface Hidden {
  readonly message: string;
  readonly advice: string;
}

/**
 * SoftHSM leaves out a token whose directory the user may not read, or whose file is empty, as if there were none (2.6.1: only its
 * own log says "Failed to open token"). Root sees all of them, so `pkcs11-tool -L` as root misleads. Undefined for other modules: their
 * tokens are not files, or nothing tells where.
 * @param module path of the PKCS#11 module
 */
export function hiddenTokens(module: string, env: NodeJS.ProcessEnv = process.env): Hidden | undefined {
  if (!/softhsm2?\.so$/.test(module)) return undefined;
  const directory = tokenDirectory(env);
  if (directory === undefined) return undefined;
  const path = [directory, ...tokensBelow(directory)].find(isClosed);
  if (path === undefined) return damaged(emptyToken(directory));
  const { username } = userInfo();
  const of = path === directory ? 'the tokens of SoftHSM are' : 'a token of SoftHSM is';
  return {
    message: `The user ${username} may not read ${path}, where ${of}: root sees more there.`,
    advice: `If it is the token of this gateway: \`chown -R ${username}: ${path}\``,
  };
}

/** @param file where a login was cut off, and there is no copy */
function damaged(file: string | undefined): Hidden | undefined {
  if (file === undefined) return undefined;
  return {
    message: `${file} is damaged: it is empty, so SoftHSM does not show its token.`,
    advice:
      'Put this file back from a backup. Without one, this token and its keys are lost, and newleaf makes new ones: `systemctl stop newleaf`, `newleaf init --new-token softhsm`, `systemctl start newleaf`.',
  };
}

function isClosed(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}
