import { TokenError } from '../../../hsm/ckr.ts';
import { destroyerOf } from '../../../hsm/destroy.ts';
import { readPin } from '../../../hsm/pin.ts';
import { openToken } from '../../../hsm/token.ts';
import type { X509Config } from '../../config/config.ts';
import type { Held } from '../../machine/as-daemon.ts';
import { knownIds } from '../../roll/look.ts';
import { adoptedChain } from '../../state/adopted.ts';
import { endedKeys } from '../../state/journal.ts';
import { readEntry } from '../../state/read-entry.ts';
import { type Holding, unfinished, untouched } from './holding.ts';
import { keysIn } from './keys.ts';

interface TokenOptions {
  readonly held: Held;
  readonly env: NodeJS.ProcessEnv;
  /** A person says so: none, where the token is not there. */
  readonly isLost: boolean;
  /** CKA_IDs of keys that a person says are newleaf's. */
  readonly named: readonly string[];
}

/**
 * The objects of newleaf in its token. Opens it, with one login.
 * @throws Fault that says how to go on
 */
export async function tokenHolding(config: X509Config, { held, env, isLost, named }: TokenOptions): Promise<Holding> {
  const { module, token: label, uri, pin_file: file, label_prefix, key } = config.hsm;
  const { directory } = config.state;
  const { issuer } = config;
  const { key: onboarding } = issuer.kind === 'azure' ? issuer : {};
  const setting = onboarding === undefined ? 'hsm.key' : 'onboarding.key';
  try {
    const pin = held.pin ?? (await readPin({ file, credentialsDirectory: env.CREDENTIALS_DIRECTORY }));
    const token = await openToken({ module, token: label, uri, pin, notes: directory });
    const cn = config.dps.registration_id;
    const known = await recordedKeys(directory);
    const found = { cn, adopted: await adoptedChain(directory), known, named, setting };
    const { own, kept, theirs } = await keysIn(token, label_prefix, key ?? onboarding, found);
    const destroy = destroyerOf({ module, token: token.name, pin: async () => pin, pinRecord: directory });
    const name = JSON.stringify(token.name.label);
    const where = `in token ${name}`;
    return {
      own: own.map(({ label, id }) => `key ${label} (id ${id}) ${where}, with its certificate`),
      ...(theirs !== undefined && { proves: `key ${theirs} ${where}` }),
      isOnboarding: issuer.kind === 'azure',
      ...(known && { known: [...known, ...named] }),
      kept: [...kept.map(({ label, why }) => `key ${label} ${where}: ${why}`), `the token ${name}`],
      async destroy() {
        for (const { label, id } of own) {
          await destroy(label, id).catch((error) => {
            throw unfinished(error, `The key ${label} could not be destroyed.`);
          });
        }
      },
    };
  } catch (error) {
    const isThere = !isAway(error);
    if (!isThere && isLost) return LOST;
    throw untouched(error, isThere ? undefined : AWAY);
  }
}

/** The module shows no such token; or cannot be loaded, as SoftHSM without the directory of its tokens (hidden-tokens.ts). */
const isAway = (error: unknown): boolean =>
  error instanceof TokenError &&
  (error.code === 'TOKEN_NOT_FOUND' || (error.kind === 'failed' && error.advice !== undefined));

/** `init`, which makes another token, takes no gateway that is half given up. */
const AWAY =
  'Bring the token back, or correct hsm.token or hsm.uri; then run `newleaf decommission` again. If it is lost for good, so are its keys: `newleaf decommission --token-lost`.';

const LOST: Holding = { own: [], kept: ['the token, which is not there'], destroy: () => Promise.resolve() };

/** CKA_IDs that the journal names, or has named before it was ended; undefined where it cannot be read. */
async function recordedKeys(directory: string): Promise<readonly string[] | undefined> {
  const entry = await readEntry(directory).catch(() => 'absent' as const);
  return entry === 'absent' ? endedKeys(directory) : knownIds(entry);
}
