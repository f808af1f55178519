import { accessSync, constants } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { placesOf, REWRITTEN, read, SOFTHSM } from './rewritten.ts';

/** Why a token is not shown, and the command that helps. */
export interface Hidden {
  readonly message: string;
  readonly advice: string;
}

/**
 * SoftHSM leaves out a token whose directory the user may not read, as if there were none (2.6.1: only its own log says
 * "Failed to open token"). Root sees all of them, so `pkcs11-tool -L` as root misleads. SoftHSM and opencryptoki also leave out a token
 * whose file is empty. Undefined for other modules: their tokens are not files, or nothing tells where.
 * @param module path of the PKCS#11 module
 */
export function hiddenTokens(module: string, env: NodeJS.ProcessEnv = process.env): Hidden | undefined {
  const kind = REWRITTEN.find((one) => one.module.test(module));
  const directory = kind?.directory(env);
  if (kind === undefined || directory === undefined) return undefined;
  const places = placesOf(kind, env);
  if (kind === SOFTHSM && whyClosed(directory) === 'ENOENT') return away(directory);
  const path = kind === SOFTHSM ? [directory, ...places].find((one) => whyClosed(one) === 'EACCES') : undefined;
  const isEmpty = (file: string) => read(file)?.every((byte) => byte === 0) === true;
  if (path === undefined) return damaged(places.map((place) => join(place, kind.file)).find(isEmpty));
  const of = path === directory ? 'the tokens of SoftHSM are' : 'a token of SoftHSM is';
  return {
    message: `The user ${userName()} may not read ${path}, where ${of}: root sees more there.`,
    advice: `If it is the token of this gateway: \`chown -R ${userName()}: ${path}\``,
  };
}

/** In a container, a user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.());
  }
}

function away(directory: string): Hidden {
  const make = `\`install -d -o ${userName()} -m 700 ${directory}\``;
  return {
    message: `There is no ${directory}, where SoftHSM keeps its tokens (directories.tokendir in softhsm2.conf).`,
    advice: `Mount it, or restore it from a backup, then \`systemctl restart newleaf\`. If the tokens are lost: \`systemctl stop newleaf\`, ${make}, \`newleaf init --new-token softhsm\`, \`systemctl start newleaf\`.`,
  };
}

/** @param file where a login was cut off, and there is no copy */
function damaged(file: string | undefined): Hidden | undefined {
  if (file === undefined) return undefined;
  const lost =
    'Put this file back from a backup. Without one, this token and its keys are lost, and newleaf makes new ones:';
  const again = file.endsWith(SOFTHSM.file) ? '--new-token softhsm' : '--ask';
  return {
    message: `${file} is damaged: it is empty, so its module does not show the token.`,
    advice: `${lost} \`systemctl stop newleaf\`, \`newleaf init ${again}\`, \`systemctl start newleaf\`.`,
  };
}

/** The error of the file system; undefined where this user may look into it. */
function whyClosed(directory: string): string | undefined {
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}
