import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Identity } from '../mqtt/certificates.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What is answered: status, headers, body; or what is done with the connection. */
export type Reply =
  | readonly [status: number, body: string, headers?: Readonly<Record<string, string>>]
  | ((response: ServerResponse) => void);

/** A DPS over HTTPS that gives its replies in order, the last one for ever. */
export class HttpsSide {
  readonly asked: Asked[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start({ key, cert }: Identity, replies: readonly Reply[]): Promise<HttpsSide> {
    const server = createServer({ key, cert });
    const side = new HttpsSide(server);
    server.on('request', async (request, response) => {
      const reply = replies[Math.min(side.asked.length, replies.length - 1)];
      const { method = '', url: path = '', headers } = request;
      side.asked.push({ method, path, headers, body: await text(request) });
      if (typeof reply === 'function') reply(response);
      else if (reply !== undefined) response.writeHead(reply[0], reply[2]).end(reply[1]);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return side;
  }

  /** By address: looking up a name cannot be ended, and would outlive a test that ends early. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A TPM in software, for which a wrapped key is the key itself. */
export class SoftTpm {
  readonly taken: string[] = [];

  async identity() {
    return { endorsementKey: Buffer.from('ek'), storageRootKey: Buffer.from('srk'), registrationId: 'unused' };
  }

  async prove(blob: Uint8Array, message: Uint8Array): Promise<Buffer> {
    return createHmac('sha256', blob).update(message).digest();
  }

  async take(blob: Uint8Array): Promise<string> {
    const key = Buffer.from(blob).toString();
    this.taken.push(key);
    return `name of ${key}`;
  }
}
