import type { ClientRequest } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Far } from '../../hsm/connector.ts';
import { direct, HTTPS, type Through } from './through.ts';

type Asking = Pick<RequestOptions, 'method' | 'path' | 'headers' | 'signal'>;

/**
 * Begins a request over a connection of its own, neither kept alive nor resumed. All requests of newleaf over HTTPS are made
 * here: node:https takes port 80 where the URL has none (as of `https://host:443/`, whose port WHATWG URL leaves out) and the
 * connection is not made by an agent of node (Node 20.20.2, lib/_http_client.js: `defaultPort || 80`).
 * @param connect begins TLS
 */
export function httpsRequest(
  url: string | URL,
  asking: Asking,
  connect: (far: Far) => Duplex,
  through: Through = direct,
): ClientRequest {
  return request(url, { ...asking, defaultPort: HTTPS, createConnection: through(connect) });
}
