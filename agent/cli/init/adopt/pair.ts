import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { dirname } from 'node:path';
import { TokenError } from '../../../../hsm/ckr.ts';
import { importable, importedId } from '../../../../hsm/import-key.ts';
import { commonNamesOf } from '../../../certificate/name.ts';
import { blocksOf, toPem } from '../../../certificate/pem.ts';
import { verify } from '../../../certificate/verify.ts';
import { Fault } from '../../../failure/failure.ts';
import { asRoot } from '../../../machine/contained.ts';
import { readGiven } from '../../../machine/given-file.ts';
import type { Leaf } from '../../../roll/leaf.ts';
import { type KeyInFile, misconfigured } from '../guide.ts';

/** Every refusal comes before the first change. */
export const refusal = (message: string, advice: string, cause?: unknown): Fault =>
  misconfigured(`${message} Nothing was touched.`, advice, cause);

/** @throws Fault NL-CONFIG */
export function readAdopted(path: string, what: string, env: NodeJS.ProcessEnv): string {
  try {
    return readGiven(path).toString('latin1');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const advice = code === 'EACCES' ? asRoot(dirname(path), env) : 'Name the right file, and run it again.';
    const why = code === 'ENOENT' ? 'there is no such file' : (cause as Error).message;
    throw refusal(`The ${what} ${path} cannot be read: ${why}.`, advice);
  }
}

/** A private key in PEM, perhaps among certificates. @throws Fault NL-CONFIG */
export function keyIn(path: string, pem: string): KeyInFile {
  const block = blocksOf(pem).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined)
    throw refusal(`${path}: there is no private key in it (PEM).`, 'Name its file: --adopt-key FILE');
  if (block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    const why = 'its private key is encrypted, and newleaf has no way to ask for its password.';
    const how = `openssl pkey -in ${path} -out /root/adopt.key, then name that with --adopt-key, and delete it afterwards.`;
    throw refusal(`${path}: ${why}`, how);
  }
  try {
    const object = importable(createPrivateKey(pem.slice(pem.indexOf(`-----BEGIN ${block.label}`))));
    return { file: path, object };
  } catch (cause) {
    if (cause instanceof TokenError) throw refusal(`${path}: ${cause.message}`, `Begin ${ANEW}`);
    throw refusal(`${path}: its private key cannot be read.`, 'Name another file: --adopt-key FILE', cause);
  }
}

/** The certificates of a file, PEM. @throws Fault NL-CONFIG */
export function chainIn(path: string, what: string, text: string): Promise<string> {
  return toPem(Buffer.from(text, 'latin1')).catch(() => {
    const isKey = blocksOf(text).some(({ label }) => label.endsWith('PRIVATE KEY'));
    const why = isKey ? 'it holds a private key, and no certificate.' : 'there is no certificate in it.';
    throw refusal(`${path}: ${why}`, `Name the file with the ${what}, and run it again.`);
  });
}

/** The only CN of the leaf, which is the registration ID; undefined where the leaf has none, or several, or is damaged. */
export function commonNameIn(chain: string): string | undefined {
  try {
    const [name, ...more] = commonNamesOf(new X509Certificate(chain));
    return more.length === 0 ? name : undefined;
  } catch {
    // The leaf is judged next, and what is wrong is told there.
    return undefined;
  }
}

/** The registration ID, and how a refusal calls the two. */
type Named = Readonly<Record<'cn' | 'leaf' | 'key', string>>;

/** The leaf of a key from a file. @throws Fault NL-LEAF-… */
export function leafOf(chain: string, { file, object }: KeyInFile, cn: string, leaf: string): Leaf {
  const spki = createPublicKey(object).export({ type: 'spki', format: 'der' });
  return judged(chain, { slot: 'a', id: importedId(object) }, spki, { cn, leaf, key: file });
}

/** Judged as newleaf judges every leaf, but one that is due already may serve. @throws Fault NL-LEAF-… */
export function judged(chain: string, key: Leaf['key'], spki: Buffer, wanted: Named): Leaf {
  const { cn } = wanted;
  try {
    return verify(chain, { key, spki, cn, now: Date.now(), renewAt: () => undefined }).leaf;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { code, message } = error.failure;
    const [what, advice] = misfit(code, wanted);
    const detail = message.replace(/^Expected/, 'expected');
    throw new Fault(code, { message: `${what}: ${detail} Nothing was touched.`, advice: `${advice}begin ${ANEW}` });
  }
}

const ANEW = 'without --adopt, with a new leaf.';

/** What does not fit, and how it can. The advice of the code is for a CA that has signed just now. */
function misfit(code: string, { leaf, key, cn }: Named): readonly [string, string] {
  if (code === 'NL-LEAF-KEY')
    return [`${leaf} is not the leaf of the key ${key}`, 'Name the two that belong together; or '];
  if (code === 'NL-LEAF-CN' && cn !== '') {
    const how = 'Name the registration ID that is its CN (--registration-id); or ';
    return [`${leaf} is not for the registration ID ${cn}`, how];
  }
  const isOfClock = code === 'NL-LEAF-NOT-YET' || code === 'NL-LEAF-VALIDITY';
  const how = isOfClock
    ? 'If the clock of this gateway is wrong, set it (`timedatectl`); else '
    : 'Name another leaf; or ';
  return [`${leaf} cannot be taken over`, how];
}
