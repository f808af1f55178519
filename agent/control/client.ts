import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { DaemonEvent } from '../ask/event.ts';
import { Fault } from '../failure/failure.ts';
import { knock } from '../machine/unix-socket.ts';
import { timeLimit } from '../time/limited.ts';

export interface Reply {
  readonly status: number;
  /** Parsed JSON, or the text of an answer that is none (metrics). */
  readonly body: unknown;
}

/** By then the socket of a daemon that was killed has no listener any more, in milliseconds. */
const ENDING_MS = 100;
/** A CSR may have to wait for an RSA key on a slow token. */
const LONGEST_WAIT_MS = 120_000;

/**
 * One request to the daemon.
 * @param socket path, `control.socket`
 * @param waitMs how long the daemon may take to answer
 * @throws Fault NL-DAEMON-DOWN (also where it goes away or does not answer), NL-CONTROL-DENIED or -BUSY
 */
export async function askSocket(
  socket: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
  waitMs = LONGEST_WAIT_MS,
): Promise<Reply> {
  const signal = timeLimit(waitMs);
  try {
    const response = await open({ socketPath: socket, method, path, signal }, body);
    const said = await text(response);
    const isJson = response.headers['content-type'] === 'application/json';
    return { status: response.statusCode ?? 0, body: isJson ? JSON.parse(said) : said };
  } catch (cause) {
    if (!signal.aborted) throw await downFault(cause, socket);
    const advice = 'If it stays like this: `systemctl restart newleaf`';
    throw new Fault('NL-DAEMON-DOWN', { message: `The daemon did not answer within ${waitMs / 1000} s.`, advice });
  }
}

/**
 * The events of the daemon from now on. A newer daemon may tell more than `DaemonEvent` has. Ends when `abort` fires.
 * @throws Fault NL-DAEMON-DOWN (also where it goes away), NL-CONTROL-DENIED or -BUSY
 */
export async function* events(socket: string, abort: AbortSignal): AsyncIterableIterator<DaemonEvent> {
  try {
    const response = await open({ socketPath: socket, path: '/v1/events', signal: abort });
    response.setEncoding('utf8');
    let unread = '';
    for await (const chunk of response) {
      const blocks = `${unread}${chunk}`.split('\n\n');
      unread = blocks.pop() ?? '';
      for (const block of blocks) yield JSON.parse(block.replace(/^data: /, ''));
    }
    throw new Error('the daemon ended the stream');
  } catch (cause) {
    if (!abort.aborted) throw await downFault(cause, socket);
  }
}

function open(options: RequestOptions, body?: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ ...options, agent: false }, resolve).once('error', reject);
    asked.end(body && JSON.stringify(body));
  });
}

/** @param ending waits until a daemon that was killed is gone */
export async function downFault(cause: unknown, socket: string, ending = () => pause(ENDING_MS)): Promise<Fault> {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES') return new Fault('NL-CONTROL-DENIED', { message: `This user may not use ${socket}.` });
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return new Fault('NL-DAEMON-DOWN', { message: `The daemon does not run: there is no answer on ${socket}.` });
  // connect(2), EAGAIN: "for nonblocking UNIX domain sockets […] the connection cannot be completed immediately". A daemon
  // that ends closes its connections, too, and its socket has no listener then.
  if (isCut(code)) await ending();
  const isFull = code === 'EAGAIN' || (isCut(code) && (await knock(socket)) === undefined);
  if (isFull)
    return new Fault('NL-CONTROL-BUSY', { message: `The daemon runs, and accepts no connection on ${socket}.`, cause });
  return new Fault('NL-DAEMON-DOWN', { message: 'The daemon went away before it had answered.', cause });
}

/** Which code it is depends on whether our request was sent already. */
const isCut = (code: string | undefined): boolean => code === 'ECONNRESET' || code === 'EPIPE';
