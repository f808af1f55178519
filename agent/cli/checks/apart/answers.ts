import { tokenError } from '../../../../hsm/ckr.ts';
import { prepareEngine } from '../../../../hsm/engine.ts';
import { findSlot, loadModule } from '../../../../hsm/module.ts';
import { PinRecord } from '../../../../hsm/pin-record.ts';
import { type Identity, TokenContexts } from '../../../../hsm/tls.ts';
import { openToken, type Token } from '../../../../hsm/token.ts';
import { exchange } from '../../../issuer/exchange.ts';
import type { Asked, Login, Question, Told } from './questions.ts';
import { rehearse } from './rehearse.ts';
import { shake } from './shake.ts';

/** A tmpfs on every Linux: the PIN has a file name here for a moment, on its way to OpenSSL. */
const MEMORY = '/dev/shm';
const FETCH_MS = 15_000;

export type Answers = { readonly [Q in Question]: (...asked: Asked<Q>) => Told<Q> | Promise<Told<Q>> };

/** The answers of the process that loads the module. */
export function createAnswers(): Answers {
  let opened: { readonly token: Token; readonly login: Login } | undefined;
  let contexts: TokenContexts | undefined;
  const open = () => {
    if (opened === undefined) throw new Error('the token has not been opened');
    return opened;
  };
  const token = () => open().token;
  const context = (identity: Identity) => {
    const { token, login } = open();
    prepareEngine(login.module);
    contexts ??= new TokenContexts(token, login.pin, MEMORY);
    return contexts.context(identity);
  };
  return {
    load: (module) => told('Loading the module', () => void loadModule(module)),
    slot: ({ module, token: label, uri }) =>
      told('Looking for the token', () => {
        const { name, info } = findSlot(loadModule(module), label, uri);
        return { name, flags: info.flags };
      }),
    async open(login) {
      const { pinRecord, ...rest } = login;
      const token = await openToken({ ...rest, pinRecord: new PinRecord(pinRecord) });
      opened = { token, login };
      return token.name;
    },
    find: (label) => token().find(label),
    findById: (id) => token().findById(id),
    findByUri: (uri) => token().findByUri(uri),
    describe: (key) => token().describe(key),
    certificates: (id) => token().certificates(id),
    sign: (key, message) => token().sign(key, message),
    rehearse: (identity) => rehearse((maxVersion) => context({ ...identity, maxVersion })),
    shake: async (host, identity) => shake(host, await context(identity)),
    async fetch(errand, identity) {
      const secureContext = await context(identity);
      return exchange({ ...errand, tls: { secureContext }, signal: AbortSignal.timeout(FETCH_MS) });
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
