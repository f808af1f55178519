import { Fault } from '../../../agent/failure/failure.ts';

/** The code of the failure that an attempt ends with, if it does. */
export const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof Fault ? error.failure.code : String(error)),
  );
