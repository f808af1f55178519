import { tokenError } from '../../../hsm/ckr.ts';
import { knownToken } from '../../../hsm/known-token.ts';
import { findSlot, loadModule } from '../../../hsm/module.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { rehearse } from '../../../hsm/rehearse.ts';
import { type Identity, TokenConnectors } from '../../../hsm/tls.ts';
import { prepareTls } from '../../../hsm/tls-way.ts';
import { openToken, type Token } from '../../../hsm/token.ts';
import type { Errand } from '../../issuer/enrolment.ts';
import { secretDirectory } from '../../machine/runtime-directory.ts';
import { type NetworkSettings, networkOf } from '../../network/network.ts';
import { exchangeInTime } from './exchange-in-time.ts';
import { shake } from './handshakes.ts';
import type { TokenLogin, TokenPlace } from './place.ts';

export interface AskedVersion {
  readonly endpoint: string;
  readonly scope: string;
  readonly registrationId: string;
  readonly version: string | undefined;
}

/** Questions about one token, and what answers each in the process of its module. All but `load` and `slot` come after `open`. */
export function createAnswers() {
  let opened: { readonly token: Token; readonly login: TokenLogin } | undefined;
  let connectors: TokenConnectors | undefined;
  const open = () => {
    if (opened === undefined) throw new Error('the token has not been opened');
    return opened;
  };
  const token = () => open().token;
  const connector = async (identity: Identity) => {
    const { token, login } = open();
    const helped = await prepareTls(login);
    connectors ??= new TokenConnectors(token, login.pin, secretDirectory(process.env), helped);
    return connectors.connector(identity);
  };
  return {
    load: (module: string) => told('Loading the module', () => void loadModule(module)),
    /** The token before login, and the flags of its CK_TOKEN_INFO (CKF_…). */
    async slot({ module, token: label, uri, notes }: TokenPlace) {
      const known = await knownToken(notes);
      return told('Looking for the token', () => {
        const { name, info, doubt } = findSlot(loadModule(module), label, uri, known);
        return { name, flags: info.flags, doubt };
      });
    },
    /** One login. */
    async open(login: TokenLogin) {
      const token = await openToken(login);
      opened = { token, login };
      return token.name;
    },
    find: (label: string) => token().find(label),
    generations: (label: string) => token().generations(label),
    findById: (id: string) => token().findById(id),
    findByUri: (uri: string) => token().findByUri(uri),
    describe: (key: PublicKey) => token().describe(key),
    /** Certificates (DER) beside a key. */
    certificates: (id: string) => token().certificates(id),
    sign: (key: PublicKey, message: Uint8Array) => token().sign(key, message),
    rehearse: (identity: Identity) => rehearse((maxVersion, ca) => connector({ ...identity, maxVersion, ca })),
    shake: async (host: string, identity: Identity, settings: NetworkSettings) =>
      shake(host, await connector(identity), networkOf(settings).proxied),
    /** The code with which DPS answers CONNECT; nothing is registered. */
    async connack(asked: AskedVersion, identity: Identity, settings: NetworkSettings) {
      const { answerTo } = await import('../../dps/trial.ts');
      const { scope, version, ...far } = asked;
      return answerTo(
        { ...far, connector: await connector(identity), reach: networkOf(settings).reach },
        scope,
        version,
      );
    },
    /** One request over HTTPS. */
    async fetch(errand: Errand, identity: Identity, settings: NetworkSettings) {
      const tls = await connector(identity);
      return exchangeInTime({ ...errand, tls, through: networkOf(settings).through });
    },
  };
}

/** A question that the module answers before the token is open. @throws TokenError */
function told<T>(doing: string, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw tokenError(error, 'opening', doing);
  }
}
