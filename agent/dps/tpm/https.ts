import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import common from 'azure-iot-http-base';
import type { TlsConnector } from '../../../hsm/connector.ts';
import { Fault } from '../../failure/failure.ts';
import { type Attempt, ending } from '../../mqtt/attempt.ts';
import { httpsRequest } from '../../network/https.ts';
import type { Through } from '../../network/through.ts';
import { limited } from '../../time/limited.ts';

/** The answer as the SDK sees it: JSON, whatever content type the server names. */
export interface Admitted {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpsOptions {
  /** `host` or `host:port`; the port is 443 without it. */
  readonly host: string;
  /** Carries the CAs that may vouch for the other side. */
  readonly connector: TlsConnector;
  /** Where a proxy may be in between. */
  readonly through?: Through | undefined;
  /** Longest time for one request, in milliseconds. */
  readonly requestMs: number;
  /**
   * Sees every answer before the SDK does. @returns the answer for the SDK
   * @throws the end of the registration; the SDK then hears nothing
   */
  readonly admit: (asked: ClientRequest, answer: IncomingMessage, body: string) => Admitted;
}

/** DPS answers with less than 4 KiB; a longer answer is not from DPS. */
const LARGEST_BODY = 65_536;

/**
 * The HTTP base for the Azure SDK: `new Http(new Https(…))`, as tap.ts is its MQTT provider. It dials by itself, with the CAs
 * of this gateway, and keeps back the answers on which azure-iot-provisioning-device 1.9.1 repeats a request for ever (429,
 * 5xx) or throws uncaught (an assignment without a key).
 */
export class Https extends common.Http {
  /** Rejected with why the registration has ended; never fulfilled. */
  readonly failed: Promise<never>;
  #reject: (error: unknown) => void = () => {};
  readonly #options: HttpsOptions;
  readonly #url: URL;
  readonly #abort = new AbortController();

  /** @throws TypeError for a wrong `host` */
  constructor(options: HttpsOptions) {
    super();
    this.#options = options;
    this.#url = new URL(`https://${options.host}`);
    this.failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
  }

  override buildRequest(...called: Parameters<common.Http['buildRequest']>): ClientRequest {
    const [method, path, headers, , given, done] = called;
    const answered = typeof given === 'function' ? given : done;
    const attempt: Attempt = { phase: 'tcp' };
    const { requestMs, connector, through } = this.#options;
    const signal = limited(this.#abort.signal, requestMs);
    // A connection for each request: DPS may close a kept one just when the next request is sent.
    const asked = httpsRequest(this.#url, { method, path, headers, signal }, (far) => connector.connect(far), through);
    asked.on('socket', (socket) => follow(socket, attempt));
    asked.on('error', (error) => this.#fail(fault(attempt, error)));
    asked.on('response', async (answer) => {
      try {
        const admitted = this.#options.admit(asked, answer, await whole(answer));
        if (this.#abort.signal.aborted) return;
        const { status, headers, body } = admitted;
        // azure-iot-http-base 1.12.3 calls back likewise: an error above 299, and the body.
        const error = status >= 300 ? new Error(String(status)) : null;
        const seen = { statusCode: status, headers: { 'content-type': 'application/json', ...headers } };
        answered?.(error as Error, body, seen as unknown as IncomingMessage);
      } catch (error) {
        this.#fail(fault(attempt, error as Error));
      }
    });
    return asked;
  }

  /** Ends the connection. The SDK hears nothing more. */
  end(): void {
    this.#abort.abort();
  }

  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.end();
    this.#reject(error);
  }
}

function follow(socket: Duplex, attempt: Attempt): void {
  socket.once('connect', () => {
    attempt.phase = 'tls';
  });
  // From here on the end of the connection is a drop: in MQTT that begins with CONNACK 0.
  socket.once('secureConnect', () => {
    attempt.connack = 0;
  });
}

function fault(attempt: Attempt, error: NodeJS.ErrnoException): Error {
  if (error instanceof Fault) return error;
  if (error.name === 'AbortError' || error.name === 'TimeoutError')
    return new Fault('NL-DPS-TIMEOUT', { cause: error });
  const { code = '' } = error;
  const how = ending({ ...attempt, error, socketError: code });
  if (how instanceof Error) return how;
  if (how === 'untrusted') return new Fault('NL-DPS-UNTRUSTED', { cause: code });
  const message = 'The connection to DPS ended before the registration was answered.';
  return new Fault('NL-DPS-UNREACHABLE', {
    cause: code || error,
    advice: 'Check the network, DNS and the firewall (port 443) with `newleaf check`.',
    ...(how === 'dropped' && { message }),
  });
}

async function whole(answer: IncomingMessage): Promise<string> {
  let body = '';
  for await (const part of answer.setEncoding('utf8')) {
    body += part;
    if (body.length > LARGEST_BODY) throw new Fault('NL-DPS-BODY', { cause: 'too long' });
  }
  return body;
}
