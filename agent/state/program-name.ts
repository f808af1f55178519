import { Fault } from '../failure/failure.ts';

/** A program of this gateway is a directory of this name, in the state directory and where its socket is. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;

export const isProgramName = (name: string): boolean => NAME.test(name);

/** @throws Fault NL-UPLINK-PROGRAM */
export function assertName(name: string): void {
  if (!isProgramName(name))
    throw new Fault('NL-UPLINK-PROGRAM', { message: `${JSON.stringify(name)} is no name of a program.` });
}
