import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { makeDirectory } from './durable.ts';
import { Fault } from './roll/failure.ts';

export interface Lock {
  release(): Promise<void>;
}

/** `sun_path` has 108 bytes (unix(7)). */
const NAME_BYTES = 108;

/**
 * One daemon for a state directory. An abstract unix socket is the lock: it has no file that could stay behind, and the
 * kernel frees it with the process, however that ends. Holds within a network namespace. Makes the directory where it is
 * missing.
 * @throws Fault NL-DAEMON-RUNS
 */
export async function takeLock(directory: string): Promise<Lock> {
  await makeDirectory(directory);
  const name = nameOf(await realpath(directory));
  const server = createServer((visitor) => visitor.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new Fault('NL-DAEMON-RUNS', { message: `Another newleaf already runs on ${directory}.` })
          : cause,
      ),
    );
    server.listen(name, resolve);
  });
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Node 20 pads an abstract name with NULs to the full length, Node 24 does not: a full-length name is the same for both. */
function nameOf(path: string): string {
  return `\0newleaf:${createHash('sha512').update(path).digest('hex')}`.slice(0, NAME_BYTES);
}
