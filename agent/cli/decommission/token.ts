import { destroyerOf } from '../../../hsm/destroy.ts';
import { readPin } from '../../../hsm/pin.ts';
import { PinRecord } from '../../../hsm/pin-record.ts';
import { openToken } from '../../../hsm/token.ts';
import type { X509Config } from '../../config/config.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Held } from '../../machine/as-daemon.ts';
import { type Holding, unfinished, untouched } from './holding.ts';
import { keysIn } from './keys.ts';

export interface DecommissionedToken {
  readonly config: X509Config;
  readonly held: Held;
  readonly env: NodeJS.ProcessEnv;
}

/** The objects of newleaf in its token. Opens it, with one login. @throws Fault that says how to go on */
export async function tokenHolding({ config, held, env }: DecommissionedToken): Promise<Holding> {
  const { hsm, state } = config;
  const { module } = hsm;
  try {
    const place = { file: hsm.pin_file, credentialsDirectory: env.CREDENTIALS_DIRECTORY };
    const pin = held.pin ?? (await readPin(place));
    const token = await openToken({
      module,
      token: hsm.token,
      uri: hsm.uri,
      pin,
      pinRecord: new PinRecord(state.directory),
    });
    const { own, kept } = await keysIn(token, hsm.label_prefix, hsm.key);
    const destroy = destroyerOf({
      module,
      token: token.name,
      pin: async () => pin,
      pinRecord: state.directory,
    });
    const where = `in token ${JSON.stringify(token.name.label)}`;
    return {
      own: own.map(({ label, id }) => `key ${label} (id ${id}) ${where}, with its certificate`),
      kept: kept.map(({ label, why }) => `key ${label} ${where}: ${why}`),
      async destroy() {
        for (const { label, id } of own) {
          await destroy(label, id).catch((error) => {
            throw unfinished(error, `The key ${label} could not be destroyed.`);
          });
        }
      },
    };
  } catch (error) {
    throw untouched(error, adviceFor(error, config));
  }
}

function adviceFor(error: unknown, { state }: X509Config): string | undefined {
  const { code, advice } = failureOf(error);
  if (code !== 'NL-TOKEN-MISSING') return undefined;
  return `${advice} If the token is gone for good, so are its keys: remove ${state.directory}.`;
}
