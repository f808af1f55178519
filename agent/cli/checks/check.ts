import { type X509Config, x509Of } from '../../config/config.ts';
import { type Advice, whole } from '../../failure/advice.ts';
import { CODES, type Code, Fault } from '../../failure/failure.ts';
import { foreign } from '../../failure/foreign.ts';
import type { Leaf } from '../../roll/leaf.ts';
import type { Site } from '../proof/site.ts';

export interface Finding {
  readonly outcome: 'ok' | 'warning' | 'skipped' | 'failed';
  /** One sentence: the finding. A command stands in the advice alone. */
  readonly message: string;
  readonly code?: Code;
  /** The next command, or the person to call; and the same where a person brings the leaves. */
  readonly advice?: string;
  readonly byPerson?: string | undefined;
  /** What to change in the configuration, where that is the advice. */
  readonly change?: string;
}

/** The advice to change the configuration, which the daemon reads when it starts. */
export const toChange = (change: string): Pick<Finding, 'advice' | 'change'> => ({
  advice: `${change}, then \`systemctl restart newleaf\`.`,
  change: `${change}.`,
});

/** One thing that newleaf relies on. A check changes nothing; what it throws becomes a failure (examine.ts). */
export interface Check {
  readonly id: string;
  /** The statement that holds where it is ok. */
  readonly describes: string;
  /** Only for gateways with this dps.attestation. */
  readonly of?: 'x509' | 'tpm';
  /** The check that opens its subject: where that one is skipped, this one is not shown to a person. */
  readonly under?: string;
  /** Checks that must be ok or a warning first: without them this one makes no sense. */
  readonly needs: readonly string[];
  look(site: Site): Promise<Finding>;
}

/** Checks that only gateways with a leaf have. */
export const ofLeaf = (checks: readonly Omit<Check, 'of'>[]): readonly Check[] =>
  checks.map((check) => ({ of: 'x509', ...check }));

export const ok = (message: string): Finding => ({ outcome: 'ok', message: foreign(message) });

export const warning = (message: string, advice: string | Advice): Finding => ({
  outcome: 'warning',
  message: foreign(message),
  ...whole(advice),
});

export function skipped(message: string, advice?: string): Finding {
  return { outcome: 'skipped', message: foreign(message), ...(advice !== undefined && { advice }) };
}

const AS_ROOT = '`newleaf check`';

/** This user may not look, so it says nothing about the gateway. */
export const unseen = (message: string): Finding => skipped(message, AS_ROOT);

export const isUnseen = ({ outcome, advice }: Finding): boolean => outcome === 'skipped' && advice === AS_ROOT;

/** @param advice instead of the advice of the code */
export function failed(code: Code, message: string, advice: string | Advice = CODES[code]): Finding {
  return { outcome: 'failed', code, message: foreign(message), ...adviceHere(code, advice) };
}

/** `newleaf status` sends people to `newleaf check`: from here, that would be a circle. */
export function adviceHere(code: Code, given: string | Advice): Advice {
  const told = whole(given);
  return told.advice.includes('`newleaf check`') ? (CODES[code].inCheck ?? told) : told;
}

/** The configuration of a gateway that has a leaf. @throws Fault NL-CONFIG; NL-TPM-NO-LEAF, which examine.ts makes a skip */
export const x509 = async (site: Site): Promise<X509Config> => x509Of((await site.config()).config);

/** For a fault that another check reports. @throws every other error */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  throw error;
}

export const NO_LEAF = skipped('There is no leaf yet.');

/** As far as this user may see, there is no state. */
export const isUnbegun = async (site: Site): Promise<boolean> =>
  (await site.entry().catch(() => undefined)) === 'absent';

/** The current leaf; undefined where there is none. @throws what `x509` and `entry` of the site throw */
export async function currentLeaf(site: Site): Promise<Leaf | undefined> {
  await x509(site);
  const entry = await site.entry();
  return entry === 'absent' ? undefined : entry.current;
}

/** A directory of the daemon: what it is where that cannot write there, and the advice. */
interface Place {
  readonly code: Code;
  /** For a file system that is read-only. */
  readonly remount: string;
  /** For one of another user. */
  readonly give: (user: string, directory: string) => string;
}

/** Why the daemon cannot write to a directory; undefined where it can. */
export async function obstacleAt(
  { access, user }: Site,
  directory: string,
  { code, remount, give }: Place,
): Promise<Finding | undefined> {
  try {
    await access(directory, 'write');
    return undefined;
  } catch (error) {
    const { code: why } = error as NodeJS.ErrnoException;
    if (why === 'EROFS') return failed(code, `${directory} is on a file system that is read-only.`, remount);
    if (why === 'ENOTDIR') {
      const advice = 'See what it is, and move it away: newleaf makes the directory.';
      return failed(code, `${directory} is no directory.`, advice);
    }
    if (why !== 'EACCES') throw error;
    if (user === undefined) return unseen(`This user may not write to ${directory}.`);
    return failed(code, `The user ${user} may not write to ${directory}.`, give(user, directory));
  }
}

/** A look at the current leaf; skipped where there is none yet. */
export const withLeaf =
  (look: (leaf: Leaf, site: Site) => Promise<Finding>): Check['look'] =>
  async (site) => {
    const leaf = await currentLeaf(site);
    return leaf === undefined ? NO_LEAF : look(leaf, site);
  };

/**
 * The hub that DPS assigned, from the state file, or from the daemon where this user may not read that.
 * @throws what is wrong with the state file
 */
export async function assignedHub(site: Site): Promise<string | undefined> {
  try {
    const entry = await site.entry();
    return entry === 'absent' ? undefined : entry.assignment?.hub;
  } catch (error) {
    const status = await site.status().catch(() => {
      throw error;
    });
    return status.hub?.host;
  }
}
