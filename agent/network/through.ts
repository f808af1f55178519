import type { ClientRequestArgs, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Far } from '../../hsm/connector.ts';

/** Makes the connection of a request of node:https, which begins TLS by `connect`. */
export type Through = (connect: (far: Far) => Duplex) => NonNullable<RequestOptions['createConnection']>;

export const HTTPS = 443;

/** Where such a request goes. */
export const farOf = ({ host, port }: ClientRequestArgs): Far => ({ host: host ?? '', port: Number(port ?? HTTPS) });

/** No proxy is in between. */
export const direct: Through = (connect) => (options) => connect(farOf(options));
