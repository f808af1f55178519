import { Worker } from 'node:worker_threads';

/** An input that is not read by then will never be. On a busy machine a process may wait for its turn this long. */
const PATIENCE_MS = 60_000;
const LARGEST = 512 * 1024;

/** Of its own thread: a loop without an end would stop every timer of this one. */
const LOOKING = `
const { workerData: { count, bytes, name, patienceMs } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
let last = -1;
setInterval(() => {
  const [now, length] = [Atomics.load(count, 0), Atomics.load(count, 1)];
  if (now === last) {
    const input = Buffer.from(bytes).subarray(0, length).toString('base64');
    writeSync(2, name + ': input ' + now + ' has not been read in ' + patienceMs + ' ms, in base64:\\n' + input + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }
  last = now;
}, patienceMs);
`;

/** Ends the process where an input is read without an end, and says which. */
export class Watch implements Disposable {
  readonly #count = new Int32Array(new SharedArrayBuffer(8));
  readonly #bytes = new Uint8Array(new SharedArrayBuffer(LARGEST));
  readonly #worker: Worker;

  constructor(name: string) {
    const workerData = { count: this.#count, bytes: this.#bytes, name, patienceMs: PATIENCE_MS };
    this.#worker = new Worker(LOOKING, { eval: true, workerData });
    this.#worker.unref();
  }

  begin(input: Buffer): void {
    this.#bytes.set(input);
    Atomics.store(this.#count, 1, input.length);
    Atomics.add(this.#count, 0, 1);
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}
