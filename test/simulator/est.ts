import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Authority, certsOnly, type IssuePolicy, requestedCn } from './ca.ts';
import type { Caller } from './door.ts';
import { type Credentials, Refusal, subjectOf } from './est-auth.ts';
import type { FaultName, FaultOptions, Faults } from './faults.ts';
import type { Fields, Log, LogEvent } from './log.ts';
import { commonName } from './presented.ts';
import type { Switches } from './switches.ts';

/** RFC 7030 section 3.2.2; a label between `est` and the operation is allowed, and means nothing here. */
const PATH = /^\/\.well-known\/est\/(?:[^/]+\/)?(cacerts|simpleenroll|simplereenroll)$/;
const CERTS_ONLY = 'application/pkcs7-mime; smime-type=certs-only';
const LINE = /.{1,64}/g;
const DAY = 24 * 60 * 60_000;

export interface EstOptions {
  readonly log: Log;
  readonly faults: Faults;
  readonly switches: Switches;
  readonly now: () => number;
  readonly username: string;
  readonly password: string;
  /** Vouches for the bootstrap identities. */
  readonly bootstrap: Authority;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly caller: Caller;
  readonly operation: string;
}

/** EST (RFC 7030) over TLS: an issuing CA that decides by itself, or is told to misbehave. */
export class Est {
  readonly #options: EstOptions;
  readonly #http = createServer((request, response) => void this.#serve(request, response));
  readonly #callers = new WeakMap<Duplex, Caller>();
  #authorities: readonly [Authority, ...Authority[]];
  #policy: IssuePolicy = {};

  constructor(authority: Authority, options: EstOptions) {
    this.#authorities = [authority];
    this.#options = options;
  }

  accept(caller: Caller): void {
    this.#callers.set(caller.socket, caller);
    // http.Server documents this: any Duplex may be handed in by the event.
    this.#http.emit('connection', caller.socket);
  }

  /** The authority that issues. */
  get authority(): Authority {
    return this.#authorities[0];
  }

  /** From now on this authority issues; leaves of those before may still renew. */
  roll(authority: Authority): void {
    this.#authorities = [authority, ...this.#authorities];
  }

  /** How leaves are issued from now on. */
  setPolicy(policy: IssuePolicy): void {
    this.#policy = policy;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const caller = this.#callers.get(request.socket);
    if (caller === undefined) {
      request.destroy();
      return;
    }
    response.setHeader('Date', new Date(this.#options.now()).toUTCString());
    const operation = PATH.exec(request.url ?? '')?.[1] ?? '';
    const call = { request, response, caller, operation };
    this.#note(call, 'request', { reason: `${request.method} ${request.url}` });
    try {
      if (this.#take(call, 'est-hang')) return;
      if (operation === 'cacerts' && request.method === 'GET') {
        send(
          call,
          this.#authorities.flatMap(({ certificates }) => certificates),
        );
      } else if (operation !== 'cacerts' && operation !== '' && request.method === 'POST') {
        await this.#enroll(call);
      } else {
        throw new Refusal(404, 'no such EST operation here');
      }
    } catch (error) {
      this.#refuse(call, error);
    }
  }

  async #enroll(call: Call): Promise<void> {
    const csr = await bodyOf(call.request);
    const cn = subjectOf(
      call.operation,
      call.request.headers.authorization,
      call.caller.presented,
      this.#credentials(),
    );
    if (call.request.headers['content-type']?.split(';')[0] !== 'application/pkcs10') {
      throw new Refusal(415, 'the content type must be application/pkcs10');
    }
    const asked = readable(() => requestedCn(csr));
    // RFC 7030 section 4.2.2: the subject "MUST be identical to the corresponding fields in the certificate being renewed".
    if (cn !== undefined && cn !== asked) {
      throw new Refusal(400, `the request is for CN ${asked}, the certificate to renew for ${cn}`);
    }
    if (this.#troubled(call, asked)) return;
    const issued = await this.authority.issue(csr, { ...this.#policy, ...this.#misissue(call) }).catch((error) => {
      throw new Refusal(400, String(error));
    });
    const { leaf, thumbprint } = issued;
    this.#note(call, 'issued', { thumbprint, reason: call.operation, clientId: commonName(leaf) ?? '' });
    const above = this.#options.switches.estSendsChain ? this.authority.certificates.slice(0, -1) : [];
    send(call, [leaf.raw, ...above], this.#take(call, 'cut-body')?.bytes);
  }

  #credentials(): Credentials {
    const { username, password, bootstrap, now } = this.#options;
    return { username, password, bootstrap, now: now(), authorities: this.#authorities };
  }

  /** Answers that are no certificate. */
  #troubled(call: Call, cn: string): boolean {
    const wait = this.#take(call, 'est-wait');
    const meant = this.#options.faults.peek('est', 'est-status')?.cn ?? cn;
    const status = wait || meant !== cn ? undefined : this.#take(call, 'est-status');
    if (wait) {
      call.response.writeHead(202, { 'Retry-After': wait.retryAfter ?? '1' }).end();
    } else if (status) {
      const later = status.retryAfter === undefined ? {} : { 'Retry-After': status.retryAfter };
      const challenge = status.status === 401 ? { 'WWW-Authenticate': 'Basic realm="est"' } : {};
      call.response.writeHead(status.status ?? 503, { ...later, ...challenge }).end(status.message ?? 'Fault.');
    } else if (this.#take(call, 'est-garbage')) {
      call.response.writeHead(200, { 'Content-Type': CERTS_ONLY }).end('bm8gUEtDUyM3\n');
    } else {
      return false;
    }
    return true;
  }

  /** What a fault makes of the issued leaf. */
  #misissue(call: Call): IssuePolicy {
    const cn = this.#take(call, 'est-cn');
    const lifetime = this.#take(call, 'est-lifetime');
    const later = this.#take(call, 'est-not-yet');
    return {
      ...(cn && { cn: cn.cn ?? 'somebody-else' }),
      ...(this.#take(call, 'est-eku') && { eku: 'server' as const }),
      ...(lifetime && { lifetimeMs: lifetime.ms ?? -1_000 }),
      ...(later && { backdateMs: -(later.ms ?? DAY) }),
      ...(this.#take(call, 'est-weak') && { weak: true }),
      ...(this.#take(call, 'est-key') && { otherKey: true }),
    };
  }

  #refuse(call: Call, error: unknown): void {
    const status = error instanceof Refusal ? error.status : 500;
    const message = error instanceof Error ? error.message : String(error);
    this.#note(call, 'refused', { code: status, reason: message });
    const challenge = status === 401 ? { 'WWW-Authenticate': 'Basic realm="est"' } : {};
    call.response.writeHead(status, { 'Content-Type': 'text/plain', ...challenge }).end(`${message}\n`);
  }

  #note({ caller }: Call, event: LogEvent, fields: Fields): void {
    const { connection, presented } = caller;
    this.#options.log.add('est', event, { connection, thumbprint: presented?.thumbprint ?? '', ...fields });
  }

  #take({ caller }: Call, name: FaultName): FaultOptions | undefined {
    return this.#options.faults.take('est', name, caller.connection);
  }
}

/**
 * RFC 7030 section 4.1.3 and 4.2.3: certs-only PKCS#7, in base64 lines of 64.
 * @param bytes of the body; the rest is not sent, and the length says so
 */
function send({ response }: Call, certificates: readonly Buffer[], bytes?: number): void {
  const lines = certsOnly(certificates).toString('base64').match(LINE) ?? [];
  response.writeHead(200, { 'Content-Type': CERTS_ONLY, 'Content-Transfer-Encoding': 'base64' });
  response.end(`${lines.join('\n')}\n`.slice(0, bytes));
}

/** The PKCS#10 of a request: base64 of the DER, as RFC 7030 section 4.2.1 has it; PEM is taken, too, as estserver does. */
async function bodyOf(request: IncomingMessage): Promise<string | Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(Buffer.from(chunk));
  }
  const text = Buffer.concat(chunks).toString('latin1');
  return text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64');
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Refusal(400, `unreadable certificate request: ${error instanceof Error ? error.message : error}`);
  }
}
