import type { Job } from '../job.ts';
import { reasonOf } from '../reason.ts';
import { Chip, type Operation } from './chip.ts';
import { openDevice } from './device.ts';
import { TpmError } from './error.ts';

/**
 * The job of the process that hsm/tpm/tpm.ts starts. It ends with the first failure, and the next call starts another.
 *
 * azure-iot-security-tpm 1.9.3 throws inside of callbacks where a TPM refuses a step of an activation ("Cannot read properties
 * of undefined (reading 'length')", tpm.js), and leaves a session behind: it must be a process that may die.
 * @param where see openDevice
 */
export function tpmJob(where: string): Job {
  let fail = (_: unknown): void => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  process.on('uncaughtException', fail);
  let opening: Promise<Chip> | undefined;
  return {
    ends: 'after a failure',
    async perform(name, asked) {
      opening ??= openDevice(where).then((device) => new Chip(device, fail));
      const chip = await opening;
      const operation = name as Operation;
      try {
        return await Promise.race([chip.perform(operation, asked as Uint8Array[]), failed]);
      } catch (error) {
        throw chip.explain(operation, error);
      }
    },
    explain(error) {
      const { kind, message } =
        error instanceof TpmError ? error : new TpmError('failed', `The TPM cannot be used: ${reasonOf(error)}.`);
      return { kind, message };
    },
  };
}
