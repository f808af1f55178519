import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import { TokenError } from './ckr.ts';
import type { Far, TlsConnector, TlsStream } from './connector.ts';
import { Heard } from './heard.ts';
import { opensslDirectories } from './known-modules.ts';
import { type HelperWords, settingsOf } from './stunnel-settings.ts';
import { restoreTokens } from './token-copy.ts';

const STUNNEL = ['/usr/bin/stunnel', '/usr/sbin/stunnel'];
const PROVIDERS = opensslDirectories(process.arch, 'ossl-modules/pkcs11.so');

/**
 * SoftHSM 2.6.1 does not always show token and key to a process that starts while others log in, as each login empties the file of
 * the token (rewritten.ts): 5 of 120 processes, six at a time, ended with HELPER_KEY, and none of 150 one after the other; through
 * p11-kit 0.25 a login was seen to end with CKR_GENERAL_ERROR. No PIN is refused then; but another token may count such a login, so
 * that is made once more only.
 */
const TRIES = 4;
const mayPass = (failure: Error | undefined, tries: number): boolean => {
  if (!(failure instanceof TokenError)) return false;
  return failure.code === 'HELPER_KEY' ? tries > 1 : failure.code === 'CKR_GENERAL_ERROR' && tries === TRIES;
};

/** What does TLS outside this process. */
export interface Helper {
  readonly stunnel: string;
  readonly provider: string;
}

/** @throws TokenError HELPER_NOT_FOUND, naming what is missing */
export function findHelper(programs: readonly string[] = STUNNEL, providers: readonly string[] = PROVIDERS): Helper {
  const stunnel = programs.find((one) => existsSync(one));
  const provider = providers.find((one) => existsSync(one));
  if (stunnel !== undefined && provider !== undefined) return { stunnel, provider };
  const missing = [
    ...(stunnel === undefined ? [`no stunnel (${programs.join(', ')})`] : []),
    ...(provider === undefined ? [`no pkcs11-provider (${providers.join(', ')})`] : []),
  ];
  const what = `stunnel cannot do TLS with the key in the token: there is ${missing.join(', and ')}.`;
  throw new TokenError('engine', 'HELPER_NOT_FOUND', what);
}

export interface HelperOptions extends Omit<HelperWords, 'host' | 'path'> {
  readonly helper: Helper;
  /** For what has a name for a moment, best $RUNTIME_DIRECTORY. */
  readonly directory: string;
  /** Descriptor of a file with the PIN. */
  readonly pin: number;
}

/** @param failed sees why a connection failed, and may know better */
export const connectorBy = (options: HelperOptions, failed: (error: Error) => Promise<Error>): TlsConnector => ({
  connect: (far) => new HelperStream(far, options, failed),
});

/**
 * One TLS connection through a stunnel of its own: what is written here goes to its stdin, what it prints comes from here. The TCP
 * connection is ours, so a proxy is none of its concern; it reaches it over a socket that only this user can open, and that is
 * gone after the first connection.
 */
class HelperStream extends Duplex implements TlsStream {
  authorizationError: string | undefined;
  readonly #far: Socket;
  #heard = new Heard();
  #child: Launched | undefined;
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
      try {
        if (!this.destroyed) this.#relay(helper, { ...words, host }, directory, pin);
      } catch (error) {
        // A file system that is full or gone, as that of the directory may be.
        this.destroy(error as Error);
      }
    };
    if (this.#far.connecting) this.#far.once('connect', begin);
    else process.nextTick(begin);
  }

  getProtocol(): string | null {
    return this.#heard.protocol ?? null;
  }

  setNoDelay(noDelay: boolean): this {
    this.#far.setNoDelay(noDelay);
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
    server.listen(path, () => this.#start(() => launch(helper, { ...words, path }, place, pin), TRIES));
  }

  #start(begin: () => ReturnType<typeof launch>, tries: number): void {
    try {
      this.#heard = new Heard();
      const { child, spoken } = begin();
      this.#attend(child, spoken, (failure) => {
        const may = mayPass(failure, tries) && !this.destroyed;
        if (may) this.#start(begin, tries - 1);
        return may;
      });
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** @param again starts another one where the failure may pass, and tells whether it did */
  #attend(child: Launched, spoken: number, again: (failure: Error | undefined) => boolean): void {
    this.#child = child;
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      const told = this.#heard.hear(line);
      if (told === undefined || this.destroyed) return;
      this.#isSecure = true;
      this.emit(told);
    });
    child.once('error', (error) => this.destroy(notStarted(error)));
    child.once('close', (code, signal) => {
      const failure = this.#heard.failure(this.#isSecure, signal ?? `exit code ${code}`, readFileSync(spoken, 'utf8'));
      closeSync(spoken);
      this.authorizationError = this.#heard.untrusted;
      if (again(failure)) return;
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

type Launched = ReturnType<typeof spawn> & { stdin: Socket; stdout: Socket; stderr: Socket };

/**
 * All that it reads is in files without a name; the secret one of them is the PIN. `spoken` is the file into which the provider
 * writes what it asks of the module: stunnel itself does not tell a wrong PIN from a key that is not there.
 */
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
    // It logs in as well, and the one before may have been killed at that.
    restoreTokens();
    for (const text of [stunnel, words.chain, words.ca, key, openssl, '']) nameless(text);
    const [first = 0, ...rest] = files;
    const child = spawn(helper.stunnel, ['-fd', '3'], {
      stdio: ['pipe', 'pipe', 'pipe', first, pin, ...rest],
      // Ctrl-C on the terminal is for newleaf, which ends it in order.
      detached: true,
      env: {
        ...process.env,
        OPENSSL_CONF: '/proc/self/fd/8',
        PKCS11_PROVIDER_DEBUG: 'file:/proc/self/fd/9,level:1',
      },
    }) as Launched;
    return { child, spoken: files.pop() ?? 0 };
  } finally {
    for (const file of files) closeSync(file);
  }
}
