import type { Identity } from '../../../hsm/tls.ts';
import { type Config, x509Of } from '../../config/config.ts';
import { exchange } from '../../issuer/exchange.ts';
import type { Looking } from '../../machine/as-daemon.ts';
import type { Leaf } from '../../roll/leaf.ts';
import type { Entry } from '../../state/entry.ts';
import { type Apart, createApart } from './apart/apart.ts';
import { bootstrapOf } from './bootstrap.ts';
import { once } from './once.ts';
import type { CheckedToken, Site } from './site.ts';

export interface TokenParts extends Pick<Site, 'text' | 'entry'> {
  readonly settings: () => Promise<Config>;
  readonly env: NodeJS.ProcessEnv;
  readonly looking: Looking;
  /** trust.ca_file, PEM. */
  readonly trust: () => Promise<string>;
}

const EXCHANGE_MS = 15_000;

type TokenQuestions = 'loadModule' | 'slot' | 'token' | 'rehearse' | 'shake' | 'exchange' | 'close';

/** The token and its key as a site shows them: all of it is done in a process of its own. */
export function tokenHere({ settings, env, looking, entry, trust, text }: TokenParts): Pick<Site, TokenQuestions> {
  let started: Apart | undefined;
  const apart = once(async () => {
    started = createApart(x509Of(await settings()).hsm.module);
    return started;
  });
  const locator = async () => {
    const { module, token, uri } = x509Of(await settings()).hsm;
    return { module, token, uri };
  };
  const token = once(async (): Promise<CheckedToken> => {
    const { hsm, state } = x509Of(await settings());
    // This imports pkcs11js: where that cannot be loaded, the other checks are made all the same.
    const { readPin } = await import('../../../hsm/pin.ts');
    const held = hsm.pin_file === undefined ? await looking.pin?.() : undefined;
    const pin = await readPin({ file: hsm.pin_file, held, credentialsDirectory: env.CREDENTIALS_DIRECTORY });
    const asked = await apart();
    return {
      name: await asked.ask('open', { ...(await locator()), pin, pinRecord: state.directory }),
      find: (label) => asked.ask('find', label),
      findById: (id) => asked.ask('findById', id),
      findByUri: (uri) => asked.ask('findByUri', uri),
      describe: (key) => asked.ask('describe', key),
      sign: (key, message) => asked.ask('sign', key, message),
    };
  });
  const opened = async () => {
    await token();
    return apart();
  };
  const leaf = async (ca: string): Promise<Identity> => {
    const { key, chain } = currentIn(await entry());
    return { id: key.id, chain, ca };
  };
  return {
    loadModule: once(async () => (await apart()).ask('load', x509Of(await settings()).hsm.module)),
    slot: once(async () => (await apart()).ask('slot', await locator())),
    token,
    rehearse: once(async () => (await opened()).ask('rehearse', await leaf(''))),
    shake: async (host) => (await opened()).ask('shake', host, await leaf(await trust())),
    async exchange(errand, ca, as) {
      if (as === 'leaf') return (await opened()).ask('fetch', errand, await leaf(ca));
      const signal = AbortSignal.timeout(EXCHANGE_MS);
      if (as === 'none') return exchange({ ...errand, tls: { ca }, signal });
      const identity = await bootstrapOf({ config: x509Of(await settings()), ca, text, opened });
      if ('id' in identity) return (await opened()).ask('fetch', errand, identity);
      return exchange({ ...errand, tls: { secureContext: identity }, signal });
    },
    close: () => started?.end(),
  };
}

function currentIn(entry: Entry | 'absent'): Leaf {
  if (entry === 'absent' || entry.current === undefined) throw new Error('there is no leaf');
  return entry.current;
}
