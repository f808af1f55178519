import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { setEnvironment } from './put-back.ts';
import './zone.ts';

/** The product sets them for its whole life, as OpenSSL reads them later (hsm/engine.ts). */
const OF_OPENSSL = new Set(['OPENSSL_ENGINES', 'PKCS11_MODULE_PATH']);

const UMASK = 'umask';
const DIRECTORY = 'working directory';
const VARIABLE = 'variable ';

type Picture = ReadonlyMap<string, string | undefined>;

/** What all tests of a process share, and one can change for those that follow. */
function picture(): Picture {
  const variables = Object.entries(process.env).filter(([name]) => !OF_OPENSSL.has(name));
  return new Map([
    [UMASK, process.umask().toString(8)],
    [DIRECTORY, process.cwd()],
    ...variables.map(([name, value]) => [`${VARIABLE}${name}`, value] as const),
  ]);
}

function set(what: string, value: string | undefined): void {
  if (what === UMASK && value !== undefined) process.umask(value);
  else if (what === DIRECTORY && value !== undefined) process.chdir(value);
  else setEnvironment({ [what.slice(VARIABLE.length)]: value });
}

/** Notices what the tests of a file have changed in their process and not put back (put-back.ts puts it back). */
export class Watch {
  readonly #file: string;
  readonly #first = picture();
  /** What is changed now: the last test that began before that was seen. */
  readonly #since = new Map<string, string>();
  #last = 'the file was loaded';

  constructor(file: string) {
    this.#file = file;
  }

  /** A test begins; what the hooks of its suite have set is put back later. */
  begins(test: string): void {
    this.#look();
    this.#last = test;
  }

  /** Puts back what is left, so that the next file does not fail, too. @throws what was left */
  ends(): void {
    this.#look();
    const left = [...this.#since];
    for (const [what] of left) set(what, this.#first.get(what));
    this.#since.clear();
    const told = left.map(([what, since]) => `${what}, since "${since}"`).join('; ');
    assert.ok(left.length === 0, `${this.#file} has changed, and not put back: ${told}`);
  }

  #look(): void {
    const now = picture();
    for (const what of new Set([...this.#first.keys(), ...now.keys(), ...this.#since.keys()])) {
      if (now.get(what) === this.#first.get(what)) this.#since.delete(what);
      else if (!this.#since.has(what)) this.#since.set(what, this.#last);
    }
  }
}

// `node --import tsx --import ./test/clean.ts FILE`: a file that has the process to itself; after its last hook.
const [, file = ''] = process.argv;
if (isMainThread && file.endsWith('.test.ts')) {
  const watch = new Watch(relative('.', file));
  process.once('exit', () => watch.ends());
}
