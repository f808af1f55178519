import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { TokenError } from './ckr.ts';
import { Heard } from './heard.ts';
import { type HelperWords, settingsOf } from './stunnel-settings.ts';

const STUNNEL = ['/usr/bin/stunnel', '/usr/sbin/stunnel'];
const PROVIDERS = ['lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu', 'lib/arm-linux-gnueabihf', 'lib', 'lib64'].map(
  (directory) => `/usr/${directory}/ossl-modules/pkcs11.so`,
);

/** What does TLS outside this process. */
export interface Helper {
  readonly stunnel: string;
  readonly provider: string;
}

/** @throws TokenError HELPER_NOT_FOUND, naming the Debian package */
export function findHelper(programs = STUNNEL, providers = PROVIDERS): Helper {
  const find = (places: readonly string[], name: string) => {
    const found = places.find((one) => existsSync(one));
    if (found !== undefined) return found;
    throw new TokenError('engine', 'HELPER_NOT_FOUND', `${name} is not installed (not in ${places.join(', ')})`);
  };
  return { stunnel: find(programs, 'stunnel4'), provider: find(providers, 'pkcs11-provider') };
}

export interface Far {
  readonly host: string;
  readonly port: number;
  /** A connection to it that is there already. */
  readonly socket?: Socket;
}

export interface HelperOptions extends Omit<HelperWords, 'host' | 'path'> {
  readonly helper: Helper;
  /** For what has a name for a moment, best $RUNTIME_DIRECTORY. */
  readonly directory: string;
  /** Descriptor of a file with the PIN. */
  readonly pin: number;
}

/**
 * Stands where a SecureContext does, so that only those know of it who connect: they call `open`. Node refuses it as a context.
 */
export class HelperContext implements SecureContext {
  readonly context = undefined;
  readonly #options: HelperOptions;
  readonly #failed: (error: Error) => Promise<Error>;

  /** @param failed sees why a connection failed, and may know better */
  constructor(options: HelperOptions, failed: (error: Error) => Promise<Error>) {
    this.#options = options;
    this.#failed = failed;
  }

  open(far: Far): HelperStream {
    return new HelperStream(far, this.#options, this.#failed);
  }
}

/**
 * One TLS connection through a stunnel of its own: what is written here goes to its stdin, what it prints comes from here. The TCP
 * connection is ours, so a proxy is none of its concern; it reaches it over a socket that only this user can open, and that is
 * gone after the first connection. Emits `connect` and `secureConnect`, as a TLSSocket does.
 */
export class HelperStream extends Duplex {
  /** The verdict on the certificate of the far side, as in a TLSSocket. */
  authorizationError: string | undefined;
  readonly #far: Socket;
  readonly #heard = new Heard();
  #child: ReturnType<typeof launch> | undefined;
  readonly #failed: (error: Error) => Promise<Error>;
  #isSecure = false;

  constructor(far: Far, { helper, directory, pin, ...words }: HelperOptions, failed: (error: Error) => Promise<Error>) {
    super({ allowHalfOpen: false });
    this.#failed = failed;
    const { host, port } = far;
    this.#far = far.socket ?? connect({ host, port });
    this.#far.on('error', (error) => this.#isSecure || this.destroy(error));
    const begin = () => {
      this.emit('connect');
      if (!this.destroyed) this.#relay(helper, { ...words, host }, directory, pin);
    };
    if (this.#far.connecting) this.#far.once('connect', begin);
    else process.nextTick(begin);
  }

  setNoDelay(): this {
    this.#far.setNoDelay(true);
    return this;
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy()).end();
  }

  override _read(): void {
    this.#child?.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const write = () => {
      // An end of stunnel is told by its exit, with the reason.
      if (this.#child?.stdin.writable) this.#child.stdin.write(chunk, () => done());
      else done();
    };
    if (this.#isSecure) write();
    else this.once('secureConnect', write);
  }

  override _final(done: () => void): void {
    this.#child?.stdin.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#far.destroy();
    const child = this.#child;
    // What was written last is in the pair of sockets: a stunnel that works ends by itself with its stdin.
    child?.stdin.end();
    if (!this.#isSecure) child?.kill('SIGKILL');
    else if (child?.exitCode === null) setTimeout(() => child.kill('SIGKILL'), 1_000).unref();
    done(error);
  }

  #relay(helper: Helper, words: Omit<HelperWords, 'path'>, directory: string, pin: number): void {
    const place = mkdtempSync(`${directory}/tls-`);
    const path = join(place, 's');
    const server = createServer((near) => {
      server.close();
      near
        .on('error', () => undefined)
        .pipe(this.#far)
        .pipe(near);
      this.#far.once('close', () => near.destroy());
    });
    server.once('close', () => rmSync(place, { recursive: true, force: true }));
    this.once('close', () => server.close());
    server.on('error', (error) => this.destroy(error));
    server.listen(path, () => {
      try {
        this.#attend(launch(helper, { ...words, path }, place, pin));
      } catch (error) {
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #attend(child: ReturnType<typeof launch>): void {
    this.#child = child;
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (!this.#heard.hear(line) || this.destroyed) return;
      this.#isSecure = true;
      this.emit('secureConnect');
    });
    child.once('error', (error) => this.destroy(notStarted(error)));
    child.once('close', (code, signal) => {
      const failure = this.#heard.failure(this.#isSecure, signal ?? `exit code ${code}`);
      this.authorizationError = this.#heard.untrusted;
      if (failure !== undefined) this.#failed(failure).then((why) => this.destroy(why));
      else if (!this.destroyed) {
        this.push(null);
        this.destroySoon();
      }
    });
  }
}

const notStarted = ({ message }: Error) =>
  Object.assign(new TokenError('engine', 'HELPER_NOT_STARTED', `stunnel cannot be started: ${message}`), {
    library: 'stunnel',
  });

/** All that it reads is in files without a name; the secret one of them is the PIN. */
function launch(helper: Helper, words: HelperWords, place: string, pin: number) {
  const files: number[] = [];
  const nameless = (text: string) => {
    const path = join(place, `f${files.length}`);
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    files.push(openSync(path, 'r'));
    unlinkSync(path);
  };
  try {
    const { stunnel, key, openssl } = settingsOf(helper.provider, words);
    for (const text of [stunnel, words.chain, words.ca, key, openssl]) nameless(text);
    const [first = 0, ...rest] = files;
    return spawn(helper.stunnel, ['-fd', '3'], {
      stdio: ['pipe', 'pipe', 'pipe', first, pin, ...rest],
      env: { ...process.env, OPENSSL_CONF: '/proc/self/fd/8' },
    }) as ReturnType<typeof spawn> & { stdin: Socket; stdout: Socket; stderr: Socket };
  } finally {
    for (const file of files) closeSync(file);
  }
}
