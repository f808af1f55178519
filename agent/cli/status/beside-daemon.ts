import { standardOf } from '../../config/draft.ts';
import { Fault } from '../../failure/failure.ts';
import { askStatus } from './present.ts';
import { sessionInWords } from './session.ts';

/** Where the daemon with this configuration answers, unless the configuration says otherwise: it cannot be read. */
export const socketAt = (file: string): string => String(standardOf('control.socket', file));

/** The mistake that was made in a configuration since the daemon has read it, and that the daemon serves on. */
export async function besideDaemon(error: unknown, socket: string): Promise<unknown> {
  if (!(error instanceof Fault)) return error;
  const status = await askStatus({ socket }).catch(() => undefined);
  if (status === undefined) return error;
  const { code, message } = error.failure;
  const serves = `The daemon runs on with the configuration that it has read before: ${status.words}, ${sessionInWords(status)}.`;
  return new Fault(code, { ...error.failure, message: `${message}\n${serves}` });
}
