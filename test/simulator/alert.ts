import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Identity } from './ca.ts';

/** Alerts of RFC 8446 section 6.2 that a server sends when it does not accept a client certificate. */
export type Alert = 45 | 48;

const FAR_FUTURE = Date.UTC(2100, 0) / 1_000;

/**
 * `openssl s_server` as the TLS of a port. node:tls (20 to 26) verifies a client certificate only after the handshake,
 * and closes without a word; servers that verify within it send an alert, and in TLS 1.3 the client meets it after its
 * own handshake has succeeded. OpenSSL's server is the real thing.
 */
export class AlertingServer {
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  /** 48: no CA is known. 45: `clientRoot` (PEM) is known, and it is the year 2100. */
  static async start({ key, cert }: Identity, alert: Alert, clientRoot: string): Promise<AlertingServer> {
    const directory = await mkdtemp(join(tmpdir(), 'simulator-alert-'));
    const [identity, root] = [join(directory, 'server.pem'), join(directory, 'root.pem')];
    await writeFile(identity, cert + key, { mode: 0o600 });
    await writeFile(root, clientRoot);
    const trust = alert === 45 ? ['-CAfile', root, '-attime', String(FAR_FUTURE)] : ['-no-CAfile'];
    const child = spawn(
      'openssl',
      ['s_server', '-accept', '127.0.0.1:0', '-cert', identity, '-key', identity, '-cert_chain', identity].concat(
        ['-Verify', '1', '-verify_return_error', '-no-CApath', '-no-CAstore'],
        trust,
      ),
      // It ends by itself when its standard input closes: a simulator that crashes leaves none behind.
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    try {
      return new AlertingServer(child, await portOf(child));
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  /** Lets the client of this socket talk to OpenSSL. */
  take(client: Socket): void {
    const inner = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    inner.once('error', () => client.destroy());
    client.once('close', () => inner.destroy());
    client.pipe(inner).pipe(client);
  }

  stop(): void {
    this.#child.kill();
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  if (child.stdout) {
    for await (const line of createInterface(child.stdout)) {
      const [, port] = /^ACCEPT 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (port !== undefined) {
        child.stdout.resume();
        return Number(port);
      }
    }
  }
  throw new Error('openssl s_server did not start');
}
