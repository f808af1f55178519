import { renameSync } from 'node:fs';

/** What a process that has the token open meets: the module serves it from memory, or it must be restarted. */
type Met = 'signed' | 'poisoned' | 'signed or poisoned';

/** A way in which a token goes away under those who use it, and comes back. */
export interface Absence {
  /** For people. */
  readonly what: string;
  /** What a signature meets while the token is away, and when it is back. */
  readonly open: { readonly away: Met; readonly back: Met };
  leave(): void | Promise<void>;
  comeBack(): void | Promise<void>;
}

/** The medium that the tokens of a module lie on is pulled, and put back. */
export const pulled = (directory: string, open: Absence['open']): Absence => ({
  what: 'its directory is pulled and put back',
  open,
  leave: () => renameSync(directory, `${directory}.away`),
  comeBack: () => renameSync(`${directory}.away`, directory),
});
