import { inBoth } from '../../failure/advice.ts';
import { Fault } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';

/** Things of newleaf outside its state directory. */
export interface Holding {
  /** For the person who must agree: objects of "destroys". */
  readonly own: readonly string[];
  /** Objects of "leaves alone". */
  readonly kept: readonly string[];
  /** Of these, a key that was there before newleaf: with a leaf of its own it goes on proving who this gateway is. */
  readonly proves?: string;
  /** Azure issues the leaves. */
  readonly isOnboarding?: boolean;
  /** CKA_IDs of the journal: the same command, after a power cut, destroys no others. */
  readonly known?: readonly string[];
  /** May be repeated. @throws Fault */
  destroy(): Promise<void>;
}

/** The failure came before anything was destroyed. */
export function untouched(error: unknown, advice?: string): Fault {
  const met = failureOf(error);
  const { code, message, cause } = met;
  const told = advice === undefined ? met : { advice };
  return new Fault(code, { ...told, message: `${message} Nothing was destroyed.`, cause });
}

/** The failure came after the journal was ended. @param what in a sentence of its own */
export function unfinished(error: unknown, what: string): Fault {
  const met = failureOf(error);
  const { code, message, cause } = met;
  return new Fault(code, {
    message: `${what} ${message} The gateway is given up, but not all of it is gone.`,
    cause,
    ...inBoth(met, (advice) => `${advice} Then run \`newleaf decommission\` again.`),
  });
}
