import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { importedId } from '../../../../hsm/import-key.ts';
import { Fault } from '../../../failure/failure.ts';
import { commonNamesOf } from '../../../issuer/name.ts';
import { blocksOf, toPem } from '../../../issuer/pem.ts';
import { verify } from '../../../issuer/verify.ts';
import type { Leaf } from '../../../roll/leaf.ts';

/** Every refusal comes before the first change. */
const UNTOUCHED = 'Nothing was touched.';

/** @throws Fault NL-CONFIG */
export async function readAdopted(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EACCES: 'this user may not read it', EISDIR: 'it is a directory' };
    const reason = why[code as keyof typeof why] ?? code;
    const advice = code === 'EACCES' ? 'Run it as root: sudo newleaf init' : 'Name the right file, and run it again.';
    throw new Fault('NL-CONFIG', {
      message: `The ${what} ${path} cannot be read: ${reason}. ${UNTOUCHED}`,
      advice,
      cause,
    });
  }
}

/** A private key in PEM, perhaps among certificates. @throws Fault NL-CONFIG */
export function privateKeyIn(pem: string, path: string): KeyObject {
  const block = blocksOf(pem).find(({ label }) => label.endsWith('PRIVATE KEY'));
  const refuse = (why: string, advice: string, cause?: unknown): Fault =>
    new Fault('NL-CONFIG', { message: `${path}: ${why} ${UNTOUCHED}`, advice, cause });
  if (block === undefined) {
    throw refuse('there is no private key in it (PEM).', 'Name its file: --adopt-key FILE');
  }
  if (block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    const how = `openssl pkey -in ${path} -out /root/adopt.key, then name that with --adopt-key, and delete it afterwards.`;
    throw refuse('its private key is encrypted, and newleaf has no way to ask for its password.', how);
  }
  try {
    return createPrivateKey(pem.slice(pem.indexOf(`-----BEGIN ${block.label}`)));
  } catch (cause) {
    throw refuse('its private key cannot be read.', 'Name another file: --adopt-key FILE', cause);
  }
}

/** The only CN of the leaf, which is the registration ID; undefined where the leaf has none, or several. */
export async function commonNameIn(chain: string): Promise<string | undefined> {
  const pem = await toPem(Buffer.from(chain, 'latin1'));
  const leaf = new X509Certificate(pem);
  const [name, ...more] = commonNamesOf(leaf);
  return more.length === 0 ? name : undefined;
}

/**
 * The leaf of a key from a file, judged as newleaf judges every leaf, but one that is due already may serve.
 * @throws Fault NL-LEAF-…
 */
export async function leafOf(chain: string, key: KeyObject, cn: string, now: number): Promise<Leaf> {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return judged(await toPem(Buffer.from(chain, 'latin1')), { slot: 'a', id: importedId(key) }, spki, cn, now);
}

/** @throws Fault NL-LEAF-… */
export function judged(chain: string, key: Leaf['key'], spki: Buffer, cn: string, now: number): Leaf {
  try {
    return verify(chain, { key, spki, cn, now, renewAt: () => undefined }).leaf;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { message, advice } = error.failure;
    throw new Fault(error.failure.code, { message: `${message} ${UNTOUCHED}`, advice, cause: error });
  }
}
