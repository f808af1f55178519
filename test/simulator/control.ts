import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ADR_OPERATIONS } from './adr/api.ts';
import type { SimulatorApi } from './api.ts';
import type { Simulator } from './simulator.ts';

/** Every operation of the API; the compiler demands that none is missing. */
export const OPERATIONS: Readonly<Record<keyof SimulatorApi, true>> = {
  enrollIndividual: true,
  enrollGroup: true,
  setStatus: true,
  replaceCertificates: true,
  removeEnrollment: true,
  trustCa: true,
  uploadCa: true,
  verifyCa: true,
  removeCa: true,
  proveCa: true,
  assign: true,
  device: true,
  writeDevice: true,
  forget: true,
  setDeviceStatus: true,
  twin: true,
  updateDesired: true,
  sendToDevice: true,
  telemetry: true,
  callMethod: true,
  issue: true,
  clientIdentity: true,
  bootstrapIdentity: true,
  setPolicy: true,
  rollIssuer: true,
  lay: true,
  lift: true,
  set: true,
  ...ADR_OPERATIONS,
};

const LONGEST_POLL = 30_000;

const isOperation = (name: string): name is keyof SimulatorApi => Object.hasOwn(OPERATIONS, name);

/**
 * The simulator over HTTP and JSON, for other processes:
 * `GET /endpoints` · `GET /log?since=SEQ&waitMs=MS` (answers at once if there is something newer than SEQ) ·
 * `POST /api/OPERATION` with the arguments as a JSON array · `POST /stop`.
 * An operation that throws is answered with 400 and `{error}`.
 */
export class Control {
  readonly #simulator: Simulator;
  readonly #server: Server;
  readonly #stop: () => void;

  private constructor(simulator: Simulator, stop: () => void) {
    this.#simulator = simulator;
    this.#stop = stop;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error) => {
        reply(response, 400, { error: error instanceof Error ? error.message : String(error) });
      });
    });
  }

  /** Listens on 127.0.0.1, any port; `stop` is called by `POST /stop`. */
  static async open(simulator: Simulator, stop: () => void): Promise<Control> {
    const control = new Control(simulator, stop);
    control.#server.listen(0, '127.0.0.1');
    await once(control.#server, 'listening');
    return control;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const [, operation] = /^\/api\/(\w+)$/.exec(pathname) ?? [];
    if (request.method === 'GET' && pathname === '/endpoints') {
      reply(response, 200, this.#simulator.endpoints);
    } else if (request.method === 'GET' && pathname === '/log') {
      const waitMs = Math.min(Number(searchParams.get('waitMs') ?? 0), LONGEST_POLL);
      reply(response, 200, await this.#entries(Number(searchParams.get('since') ?? 0), waitMs));
    } else if (request.method === 'POST' && pathname === '/stop') {
      reply(response, 200, null);
      this.#stop();
    } else if (request.method === 'POST' && operation !== undefined && isOperation(operation)) {
      reply(response, 200, await this.#call(operation, await argumentsOf(request)));
    } else {
      reply(response, 404, { error: `no ${request.method} ${pathname} here` });
    }
  }

  async #entries(since: number, waitMs: number): Promise<unknown> {
    const { log } = this.#simulator;
    if (waitMs > 0) {
      // Running out of time is no fault of the one who asked: the answer is empty then.
      await log.waitFor(({ seq }) => seq > since, waitMs, since).catch(() => undefined);
    }
    return log.since(since);
  }

  #call(operation: keyof SimulatorApi, args: unknown[]): Promise<unknown> {
    return Reflect.apply(this.#simulator[operation], this.#simulator, args);
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body ?? null));
}

/** JSON has no undefined: an argument that was left out comes as null. */
async function argumentsOf(request: IncomingMessage): Promise<unknown[]> {
  const chunks: Buffer[] = await request.toArray();
  const args: unknown = JSON.parse(Buffer.concat(chunks).toString() || '[]');
  if (!Array.isArray(args)) throw new Error('the arguments must be a JSON array');
  return args.map((argument: unknown) => argument ?? undefined);
}
