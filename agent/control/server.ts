import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Subscribe } from '../ask/event.ts';
import { parsed } from '../ask/form.ts';
import type { WireAnswer, WireAnswerer } from '../ask/wire.ts';
import { failure } from '../failure/failure.ts';
import type { Log } from '../machine/log.ts';
import type { After } from '../time/after.ts';
import { LONGEST_BODY, longestBody, POSTED_PATHS, readAsk } from './ask.ts';
import { claimSocket } from './claim.ts';
import { guard } from './door.ts';

export interface ControlOptions {
  readonly socket: string;
  readonly answer: WireAnswerer;
  readonly subscribe: Subscribe;
  /** Prometheus text. */
  readonly metrics: () => string;
  /** The programs of this gateway. */
  readonly uplink: UplinkControl;
  readonly log: Log;
  /** Where groups are looked up, as in group(5). */
  readonly groupFile?: string;
  /** For tests: timers. */
  readonly after?: After;
}

/** What the socket asks about the programs of this gateway. */
export interface UplinkControl {
  /** Undefined where there are no programs. */
  status(): object | undefined;
  /** @param body as it came */
  change(body: unknown): Promise<WireAnswer>;
}

/** A client that does not read its events is cut off before they fill the gateway's memory. */
const LARGEST_BACKLOG = 256 * 1024;

/**
 * HTTP/1.1 and JSON over a unix socket, for the commands and for programs that watch the gateway.
 * @throws Fault NL-DAEMON-RUNS or NL-CONFIG
 */
export async function serveControl(options: ControlOptions) {
  const { socket, log, groupFile, after } = options;
  // The default of 30 s would be most of the wake-ups of an idle daemon.
  const server = createServer({ connectionsCheckingInterval: 300_000 }, (request, response) => {
    respond(options, request, response).catch((cause: unknown) => {
      // The client left before its request was complete.
      if (!request.complete) return;
      const { code, message } = failure('NL-INTERNAL');
      log.error({ event: 'control-failed', code, message, path: request.url, cause: String(cause) });
      send(response, { status: 500, body: { code, message: `${message} ${String(cause)}` } });
    });
  });
  guard(server, after);
  await claimSocket(server, socket, log, groupFile);
  server.on('error', (cause) => log.warn({ event: 'control-failed', path: socket, cause: cause.message }));
  return {
    /** Ends every connection and removes the socket. */
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type Control = Awaited<ReturnType<typeof serveControl>>;

type Route = (options: ControlOptions, request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

const post: Route = async ({ answer }, request, response) => {
  const path = pathOf(request);
  const longest = longestBody(path);
  const text = await bodyOf(request, longest);
  if (text === undefined) return send(response, tooLong(longest));
  const reading = readAsk(path, text);
  send(response, 'wrong' in reading ? { status: 400, body: reading.wrong } : await answer(reading.ask));
};

const ROUTES: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  '/v1/status': { GET: async ({ answer }, _, response) => send(response, await answer({ kind: 'status' })) },
  '/v1/uplink': {
    GET: ({ uplink }, _, response) => send(response, { status: 200, body: uplink.status() ?? { programs: [] } }),
    async POST({ uplink }, request, response) {
      const text = await bodyOf(request, LONGEST_BODY);
      send(response, text === undefined ? tooLong(LONGEST_BODY) : await uplink.change(parsed(text)));
    },
  },
  '/v1/events': { GET: ({ subscribe }, _, response) => stream(subscribe, response) },
  '/metrics': {
    GET({ metrics }, _, response) {
      const text = metrics();
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
    },
  },
  ...Object.fromEntries(POSTED_PATHS.map((path) => [path, { POST: post }])),
};

async function respond(options: ControlOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = pathOf(request);
  const verbs = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  const route = verbs?.[request.method ?? ''];
  if (route !== undefined) return route(options, request, response);
  if (verbs === undefined) return send(response, { status: 404, body: { message: `There is no ${path} here.` } });
  const allowed = Object.keys(verbs).join(', ');
  response.setHeader('allow', allowed);
  send(response, { status: 405, body: { message: `${path} takes ${allowed}.` } });
}

const tooLong = (longest: number): WireAnswer => ({
  status: 413,
  body: { message: `The body is longer than ${longest} bytes.` },
});

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/';

function send(response: ServerResponse, { status, body }: WireAnswer): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

/** Server-sent events (WHATWG HTML, section 9.2), one for each transition, until one side goes away. */
function stream(subscribe: ControlOptions['subscribe'], response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  const unsubscribe = subscribe((event) => {
    response.write(`data: ${JSON.stringify(event)}\n\n`);
    if (response.writableLength > LARGEST_BACKLOG) response.destroy();
  });
  response.once('close', unsubscribe);
}

/** The body as text; undefined where it is too long. The rest is read and dropped, so that the client sees the answer. */
async function bodyOf(request: IncomingMessage, longest: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= longest) chunks.push(chunk);
  }
  return length > longest ? undefined : Buffer.concat(chunks).toString('utf8');
}
