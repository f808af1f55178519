import { destroyerOf } from '../../../hsm/destroy.ts';
import { readPin } from '../../../hsm/pin.ts';
import { openToken } from '../../../hsm/token.ts';
import type { X509Config } from '../../config/config.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Held } from '../../machine/as-daemon.ts';
import { knownIds } from '../../roll/look.ts';
import { adoptedChain } from '../../state/adopted.ts';
import { readEntry } from '../../state/read-entry.ts';
import { type Holding, unfinished, untouched } from './holding.ts';
import { keysIn } from './keys.ts';

/** The objects of newleaf in its token. Opens it, with one login. @throws Fault that says how to go on */
export async function tokenHolding(config: X509Config, held: Held, env: NodeJS.ProcessEnv): Promise<Holding> {
  const { module, token: label, uri, pin_file: file, label_prefix, key } = config.hsm;
  const { directory } = config.state;
  try {
    const pin = held.pin ?? (await readPin({ file, credentialsDirectory: env.CREDENTIALS_DIRECTORY }));
    const token = await openToken({ module, token: label, uri, pin, notes: directory });
    const found = { adopted: await adoptedChain(directory), known: await recordedIds(directory) };
    const { own, kept } = await keysIn(token, label_prefix, key, found);
    const destroy = destroyerOf({ module, token: token.name, pin: async () => pin, pinRecord: directory });
    const name = JSON.stringify(token.name.label);
    const where = `in token ${name}`;
    return {
      own: own.map(({ label, id }) => `key ${label} (id ${id}) ${where}, with its certificate`),
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
    throw untouched(error, adviceFor(error, directory));
  }
}

function adviceFor(error: unknown, directory: string): string | undefined {
  const { code, advice } = failureOf(error);
  if (code !== 'NL-TOKEN-MISSING') return undefined;
  return `${advice} If the token is gone for good, so are its keys: remove ${directory}.`;
}

/** A journal that cannot be read names none. */
async function recordedIds(directory: string): Promise<readonly string[]> {
  const entry = await readEntry(directory).catch(() => 'absent' as const);
  return entry === 'absent' ? [] : knownIds(entry);
}
