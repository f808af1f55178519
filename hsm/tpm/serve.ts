import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Chip } from './chip.ts';
import { openDevice } from './device.ts';
import { reasonOf, TpmError } from './error.ts';
import type { Answer, Request } from './request.ts';

/**
 * The body of the process that hsm/tpm/tpm.ts starts: one request a line, one answer a line, until the input ends or
 * something fails. It ends with the first failure, and whoever needs the TPM again starts the next.
 *
 * azure-iot-security-tpm 1.9.3 throws inside of callbacks where a TPM refuses a step of an activation ("Cannot read
 * properties of undefined (reading 'length')", tpm.js), and leaves a session behind: it must be a process that may die.
 * @param where see openDevice
 */
export async function serveTpm(where: string, input: Readable, output: Writable): Promise<void> {
  const tell = (answer: Answer) =>
    new Promise<void>((resolve) => output.write(`${JSON.stringify(answer)}\n`, () => resolve()));
  let explain = (error: unknown): TpmError =>
    error instanceof TpmError ? error : new TpmError('failed', `The TPM cannot be used: ${reasonOf(error)}.`, error);
  const fail = async (error: unknown) => {
    const { kind, message } = explain(error);
    await tell({ kind, message });
    process.exit(1);
  };
  process.on('uncaughtException', (error) => void fail(error));
  try {
    const device = await openDevice(where);
    const chip = new Chip(device, fail);
    for await (const line of createInterface({ input })) {
      const request: Request = JSON.parse(line);
      explain = (error) => chip.explain(request, error);
      await tell({ kind: 'done', result: await chip.perform(request) });
    }
    await device.close();
  } catch (error) {
    await fail(error);
  }
}
