import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { ckrKind, TokenError, type TokenErrorKind } from './ckr.ts';
import { opensslDirectories } from './known-modules.ts';

/** The name, never a path: an absolute path works for the first context of a process only. */
export const ENGINE = 'pkcs11';
const ENGINE_FILE = 'pkcs11.so';

/** The engines of OpenSSL 3. The Node of nodejs.org or npm does not look there by itself. */
const DIRECTORIES = opensslDirectories(process.arch, 'engines-3');

/**
 * Tells OpenSSL where its PKCS#11 engine is, and the engine which module to use. Must run before the first context, on the
 * main thread: a worker has a copy of the environment that OpenSSL does not see. An OPENSSL_ENGINES that is set already and
 * holds the engine is kept, for systems with other paths.
 * @param module path of the PKCS#11 module; unset, the engine would silently take p11-kit's
 * @param directories possible places of the engine
 * @throws TokenError ENGINE_NOT_FOUND
 */
export function prepareEngine(module: string, directories: readonly string[] = DIRECTORIES): void {
  if (!isMainThread) throw new TokenError('engine', 'ENGINE_THREAD', 'The engine must be prepared on the main thread.');
  const preset = process.env.OPENSSL_ENGINES;
  const places = preset === undefined ? directories : [preset, ...directories];
  const directory = places.find((one) => existsSync(join(one, ENGINE_FILE)));
  if (directory === undefined) {
    const what = `OpenSSL's PKCS#11 engine is not installed: there is no ${ENGINE_FILE} in ${places.join(', ')}.`;
    throw new TokenError('engine', 'ENGINE_NOT_FOUND', what);
  }
  process.env.OPENSSL_ENGINES = directory;
  process.env.PKCS11_MODULE_PATH = module;
}

/** An error of OpenSSL 3 in a handshake, which Node gives no code: the engine asks for a PIN, and there is no terminal. */
const ASKED_AGAIN = 'error:1400006B:UI routines';

const BY_CODE: Readonly<Record<string, readonly [TokenErrorKind, string]>> = {
  ERR_OSSL_INVALID_ID: ['failed', 'OpenSSL does not accept the PKCS#11 URI of the key'],
  ERR_OSSL_OBJECT_NOT_FOUND: ['key', 'OpenSSL does not find the key in the token'],
  ERR_OSSL_UI_PROCESSING_ERROR: ['pin', 'OpenSSL has no PIN for the token'],
  'ERR_OSSL_UNABLE_TO_LOAD_PKCS#11_MODULE': ['module', 'OpenSSL cannot load the PKCS#11 module'],
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: ['key', 'The leaf does not belong to the key in the token'],
};

/**
 * decrypt_error (RFC 8446 section 6.2): the far side has read our certificate, and the signature is not by its key. By its number,
 * which Node and stunnel both print: OpenSSL 3.5 has renamed the reason.
 */
const UNVERIFIED = 'SSL alert number 51';

/** Answers of modules for a lost key of which libp11 still has a handle; the second is NSS 3.110. */
const GONE = new Set(['CKR_OBJECT_HANDLE_INVALID', 'CKR_KEY_HANDLE_INVALID']);

/** The library name under which libp11 0.4.13 reports the module's answer; its reason is the CKR_ name in words. */
const MODULE_SPOKE = 'PKCS#11 module';

/**
 * A TokenError when OpenSSL failed because of the token, else undefined: then the network or the other side failed. A lost key
 * shows in the handshake only, because a context made from libp11's cache succeeds.
 */
export function tokenErrorOf(error: unknown): TokenError | undefined {
  if (error instanceof TokenError) return error;
  if (!(error instanceof Error)) return undefined;
  const library = 'library' in error ? error.library : undefined;
  const reason = 'reason' in error ? String(error.reason) : '';
  if (library === MODULE_SPOKE) {
    const code = `CKR_${reason.toUpperCase().replaceAll(' ', '_')}`;
    const kind = GONE.has(code) ? 'key' : ckrKind(code, 'open');
    return new TokenError(kind, code, `OpenSSL could not use the key in the token: ${reason} (${code})`, error);
  }
  if (error.message.includes(UNVERIFIED)) {
    const what = `The far side finds the signature of the token wrong (${UNVERIFIED})`;
    return new TokenError('failed', 'SIGNATURE_WRONG', what, error);
  }
  const code = 'code' in error ? String(error.code) : '';
  const known = BY_CODE[code];
  if (known !== undefined) return new TokenError(known[0], code, `${known[1]} (${code})`, error);
  if (error.message.includes(ASKED_AGAIN)) {
    const what = 'The token wants the PIN once more for a signature, which OpenSSL cannot give in a handshake';
    return new TokenError('failed', 'PIN_ASKED_AGAIN', what, error);
  }
  if (/no such engine|could not load the shared library/.test(error.message)) {
    const what = `OpenSSL cannot load its PKCS#11 engine: ${error.message}`;
    return new TokenError('engine', 'ENGINE_NOT_LOADED', what, error);
  }
  return undefined;
}
