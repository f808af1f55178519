import type { Identity } from '../../../hsm/tls.ts';
import { type Config, x509Of } from '../../config/config.ts';
import { bootstrapWith, identityInToken } from '../../keys/bootstrap.ts';
import { onboardingIdentity } from '../../keys/onboarding.ts';
import type { Looking } from '../../machine/as-daemon.ts';
import { networkOf } from '../../network/network.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { demandHere } from '../status/present.ts';
import { type Apart, createApart } from './apart.ts';
import { exchangeInTime } from './exchange-in-time.ts';
import { once } from './once.ts';
import type { CheckedToken, Site } from './site.ts';

export interface TokenParts extends Pick<Site, 'env' | 'entry'> {
  readonly settings: () => Promise<Config>;
  readonly looking: Looking;
  /** trust.ca_file, PEM. */
  readonly trust: () => Promise<string>;
}

type TokenQuestions = 'loadModule' | 'slot' | 'token' | 'rehearse' | 'shake' | 'connack' | 'exchange' | 'close';

/** The token and its key as a site shows them: all of it is done in a process of its own. */
export function tokenHere({ settings, env, looking, entry, trust }: TokenParts): Pick<Site, TokenQuestions> {
  let started: Apart | undefined;
  const apart = once(async () => {
    const config = x509Of(await settings());
    await demandHere(daemonPlace(config, env));
    started = createApart(config.hsm.module);
    return started;
  });
  const locator = async () => {
    const { hsm, state } = x509Of(await settings());
    const { module, token, uri } = hsm;
    return { module, token, uri, notes: state.directory };
  };
  const token = once(async (): Promise<CheckedToken> => {
    const { hsm } = x509Of(await settings());
    const { tls } = hsm;
    // This imports pkcs11js: where that cannot be loaded, the other checks are made all the same.
    const { readPin } = await import('../../../hsm/pin.ts');
    const held = hsm.pin_file === undefined ? await looking.pin?.() : undefined;
    const pin = await readPin({ file: hsm.pin_file, held, credentialsDirectory: env.CREDENTIALS_DIRECTORY });
    const asked = await apart();
    return {
      name: await asked.ask('open', { ...(await locator()), tls, pin }),
      find: (label) => asked.ask('find', label),
      generations: (label) => asked.ask('generations', label),
      findById: (id) => asked.ask('findById', id),
      findByUri: (uri) => asked.ask('findByUri', uri),
      describe: (key) => asked.ask('describe', key),
      certificates: (id) => asked.ask('certificates', id),
      sign: (key, message) => asked.ask('sign', key, message),
    };
  });
  const opened = async () => {
    await token();
    return apart();
  };
  const leaf = async (ca: string): Promise<Identity> => {
    const known = await entry();
    if (known === 'absent' || known.current === undefined) throw new Error('there is no leaf');
    const { key, chain } = known.current;
    return { id: key.id, chain, ca };
  };
  /** As the daemon has it. @throws Fault NL-CONFIG, NL-TOKEN-…; Error of OpenSSL for files that do not fit */
  const bootstrap = async (ca: string) => {
    const { issuer, trust } = x509Of(await settings());
    if (issuer.kind === 'azure') {
      const { id, chain } = await onboardingIdentity({ ...issuer, token: await token(), caFile: trust.ca_file });
      return { id, chain, ca };
    }
    const { bootstrap_cert: certificate = '', bootstrap_key: key = '' } = issuer.kind === 'est' ? issuer : {};
    const inToken = async (uri: string, chain: string | undefined) => identityInToken(await token(), uri, chain, ca);
    return bootstrapWith({ certificate, key }, ca, inToken);
  };
  /** An onboarding key is always there. */
  const inToken = async () => {
    const identity = await bootstrap(await trust());
    if (!('id' in identity)) throw new Error('the key is not in the token');
    return identity;
  };
  return {
    loadModule: once(async () => (await apart()).ask('load', x509Of(await settings()).hsm.module)),
    slot: once(async () => (await apart()).ask('slot', await locator())),
    token,
    rehearse: once(async () => (await opened()).ask('rehearse', await leaf(''))),
    async shake(host, as = 'leaf') {
      const identity = as === 'leaf' ? await leaf(await trust()) : await inToken();
      return (await opened()).ask('shake', host, identity, (await settings()).network);
    },
    async connack(version) {
      const { dps, network } = await settings();
      const { endpoint, id_scope: scope, registration_id: registrationId } = dps;
      return (await opened()).ask('connack', { endpoint, scope, registrationId, version }, await inToken(), network);
    },
    async exchange(errand, ca, as) {
      const { network } = await settings();
      if (as === 'leaf') return (await opened()).ask('fetch', errand, await leaf(ca), network);
      const { through } = networkOf(network);
      if (as === 'none') return exchangeInTime({ ...errand, tls: { ca }, through });
      const identity = await bootstrap(ca);
      if ('id' in identity) return (await opened()).ask('fetch', errand, identity, network);
      return exchangeInTime({ ...errand, tls: identity, through });
    },
    close: () => started?.end(),
  };
}
