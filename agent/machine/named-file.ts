import { readFile } from 'node:fs/promises';
import { Fault } from '../failure/failure.ts';

/**
 * The text of a file that the configuration names. Read again at each use: it may change while the daemon runs.
 * @param setting its name, for the sentence of the failure
 * @throws Fault NL-CONFIG
 */
export async function readNamed(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: `${setting}: ${path} cannot be read.`, cause });
  }
}

/** The labels under which OpenSSL takes a CA (PEM_read_bio_X509_AUX). */
const CERTIFICATE = /^-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/m;

export const holdsAuthority = (pem: string): boolean => CERTIFICATE.test(pem);

/** Longer than any PIN; and than a password, which may be a token of some kB. A file of more bytes is another file. */
const MOST_BYTES = 16 * 1024;

/** "The user-id and password MUST NOT contain any control characters" (RFC 7617 section 2); no PIN has them. */
const CONTROL = /\p{Cc}/u;

/** Why a text is no PIN and no password, as the end of a sentence about where it comes from; undefined where it may be one. */
export function noSecret(content: string): string | undefined {
  const text = content.trim();
  if (text === '') return 'is empty';
  if (text.length > MOST_BYTES) return `has more than ${MOST_BYTES} bytes`;
  return CONTROL.test(text) || text.includes('\ufffd') ? 'is not one line of text' : undefined;
}

/**
 * The CAs that may vouch for a server, PEM. Read again for each connection: they may change while the daemon runs. A file
 * without one (a power cut leaves empty ones) is an error here, because Node takes an empty text for "the public CAs it
 * knows".
 * @param setting name of the setting that names the file
 * @throws Fault NL-CONFIG
 */
export async function readAuthorities(setting: string, path: string): Promise<string> {
  const pem = await readNamed(setting, path);
  if (holdsAuthority(pem)) return pem;
  const advice = 'Put CA certificates there as PEM (-----BEGIN CERTIFICATE-----).';
  throw new Fault('NL-CONFIG', { message: `${setting}: there is no certificate in ${path}.`, advice });
}
