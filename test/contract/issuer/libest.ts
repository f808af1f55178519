import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Identity } from '../../simulator/ca.ts';
import { DAY, type Minted, mint, mintCa, privateKeyPem } from '../../unit/certificate/mint.ts';

const START_MS = 10_000;
/** A server that nobody stops ends by itself. */
const LIFETIME_S = 120;
const ENVIRONMENT = { EST_TRUSTED_CERTS: 'cacert.pem', EST_CACERTS_RESP: 'cacert.pem', EST_OPENSSL_CACONFIG: 'ca.cnf' };

/** What the CA is told in its `openssl ca` configuration, which libest reads again for each request. */
export interface CaPolicy {
  readonly eku?: string;
  /** UTCTime, `YYMMDDHHMMSSZ`. */
  readonly end?: string;
  /** Leave the CN of the request out. */
  readonly dropCn?: boolean;
}

/** Valid now, by the real clock. */
export const lifetime = () => ({ notBefore: Date.now() - DAY, notAfter: Date.now() + 30 * DAY });

/** The estserver of Debian's libest-utils with an `openssl ca` folder. It binds to 0.0.0.0: run it in a namespace. */
export class Libest {
  readonly ca: Minted;
  readonly caFile: string;
  /** A file for the test to write a password into. */
  readonly passwordFile: string;
  /** Of the servers: a stand-in that has it is trusted like them. */
  readonly identity: Identity;
  readonly #folder: string;
  /** By port. */
  readonly #servers = new Map<number, ChildProcess>();
  #port: number;

  private constructor(ca: Minted, identity: Identity, folder: string, port: number) {
    this.ca = ca;
    this.identity = identity;
    this.#port = port;
    this.#folder = folder;
    this.caFile = join(folder, 'cacert.pem');
    this.passwordFile = join(folder, 'password');
  }

  /** @param port the first one; each server takes the next */
  static async create(port = 8085): Promise<Libest> {
    const ca = await mintCa({ subject: 'CN=Libest CA', ...lifetime() });
    const server = await mint({ subject: 'CN=localhost', ip: '127.0.0.1', by: ca, ...lifetime() });
    const identity = { cert: server.pem, key: privateKeyPem(server.keys) };
    const folder = mkdtempSync(join(tmpdir(), 'newleaf-libest-'));
    mkdirSync(join(folder, 'newcerts'));
    const files = {
      'index.txt': '',
      serial: '1000\n',
      'cacert.pem': ca.pem,
      'cakey.pem': privateKeyPem(ca.keys),
      'srv.crt': identity.cert,
      'srv.key': identity.key,
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 });
    return new Libest(ca, identity, folder, port);
  }

  /** How the CA issues from now on. */
  set policy({ eku = 'clientAuth', end, dropCn = false }: CaPolicy) {
    const configuration = `
      [ca]
      default_ca = own
      [own]
      database = index.txt
      serial = serial
      new_certs_dir = newcerts
      certificate = cacert.pem
      private_key = cakey.pem
      default_md = sha256
      ${end === undefined ? 'default_days = 30' : `default_enddate = ${end}`}
      policy = wanted
      unique_subject = no
      x509_extensions = leaf
      copy_extensions = none
      [wanted]
      ${dropCn ? 'organizationName = optional' : 'commonName = supplied'}
      [leaf]
      keyUsage = digitalSignature
      extendedKeyUsage = ${eku}
    `;
    writeFileSync(join(this.#folder, 'ca.cnf'), configuration.replace(/^ +/gm, ''));
  }

  /** How many certificates the CA has signed. */
  get issued(): number {
    return readdirSync(join(this.#folder, 'newcerts')).length;
  }

  /** Starts a server with these flags, waits until it listens, and answers with its EST URL. */
  async start(...flags: string[]): Promise<string> {
    const port = this.#port++;
    await this.#serve(port, flags);
    return `https://127.0.0.1:${port}/.well-known/est`;
  }

  /** Ends the server of this URL; with flags another one takes its place. */
  async replace(url: string, ...flags: string[]): Promise<void> {
    const port = Number(new URL(url).port);
    await end(this.#servers.get(port));
    if (flags.length > 0) await this.#serve(port, flags);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map(end));
    rmSync(this.#folder, { recursive: true });
  }

  async #serve(port: number, flags: readonly string[]): Promise<void> {
    const own = ['-p', `${port}`, '-c', 'srv.crt', '-k', 'srv.key', '-r', 'estrealm', '-d', `${LIFETIME_S}`];
    const server = spawn('estserver', [...own, ...flags], {
      cwd: this.#folder,
      stdio: 'ignore',
      env: { ...process.env, ...ENVIRONMENT },
    });
    await once(server, 'spawn');
    this.#servers.set(port, server);
    await listening(port, server);
  }
}

async function end(server: ChildProcess | undefined): Promise<void> {
  if (server === undefined || !isRunning(server)) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

/** estserver says nothing when it is ready, so its port is asked. */
async function listening(port: number, server: ChildProcess): Promise<void> {
  for (const start = Date.now(); Date.now() - start < START_MS && isRunning(server); await pause(20)) {
    const socket = connect(port, '127.0.0.1');
    const answered = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (answered) return;
  }
  throw new Error(`estserver does not listen (exit code ${server.exitCode})`);
}
