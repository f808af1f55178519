import type { Job } from './job.ts';
import type { Identity } from './tls.ts';
import type { TlsSettings } from './tls-way.ts';
import { openToken, type Token, type TokenOptions } from './token.ts';
import { type TokenToldError, tellTokenError, toldTokenError, unansweredTokenError } from './token-work.ts';
import { type TokenName, uriOf } from './uri.ts';
import { Worker } from './worker.ts';

/** What is asked of the process, as the beginning of a sentence. */
const DOING = {
  certificates: 'Reading certificates',
  describe: 'Asking how a key is protected',
  findById: 'Looking for a key',
  generate: 'Generating a key',
  sign: 'Signing',
  storeCertificate: 'Storing a certificate',
} as const satisfies Partial<Record<keyof Token, string>>;

const JUDGING = 'Showing the next leaf to OpenSSL';

type Asked = keyof typeof DOING;
type Calls = {
  [Name in Asked]: (options: TokenOptions, ...asked: Parameters<Token[Name]>) => ReturnType<Token[Name]>;
} & { judge: (options: TokenOptions, chain: Judged) => Promise<string | undefined> };

/** A leaf with its chain, which is shown as it will be, and the certificate at the top of it. */
export interface Judged extends Pick<Identity, 'id' | 'chain'>, Pick<TlsSettings, 'tls'> {
  /** PEM. */
  readonly anchor: string;
  /** For the nameless copy of the PIN. */
  readonly directory: string;
}

/** A token as another process sees it. `forget`: the next call gets a process that has seen nothing before. */
export type TokenApart = Pick<Token, Asked | 'forget' | 'name'>;

/** Says by Node's code what OpenSSL does not accept about a chain (rehearse.ts). @throws TokenError: then nothing is judged */
export interface Openssl {
  judge(chain: Judged): Promise<string | undefined>;
}

export interface ApartOptions {
  readonly module: string;
  /** The token that is open here: another with the same label may have come since. */
  readonly token: TokenName;
  /** Asked each time: a PIN that has changed since the token was opened is wrong, until the file is corrected. */
  readonly pin: () => Promise<string>;
  /** The directory of the PinRecord. */
  readonly pinRecord: string;
  /** Longest time to make a key, and for each other call, in milliseconds: then the process is killed. */
  readonly limitMs: { readonly make: number; readonly other: number };
}

/** A roll makes its key, and signs the CSR with it, in one process. */
const LINGER_MS = 2_000;

/**
 * Works for the next leaf in a process of its own: it makes keys, signs CSRs, stores certificates. A module that hangs there, or
 * takes minutes, keeps no handshake with the current leaf waiting, and costs no session.
 * @throws TokenError of that process, or of the PIN; CHILD_TIMEOUT, CHILD_ENDED
 */
export function tokenApart({ module, token, pin, pinRecord, limitMs }: ApartOptions): TokenApart & Openssl {
  const limitOf = (name: string) => (name === 'generate' ? limitMs.make : limitMs.other);
  const worker = new Worker<Calls, TokenToldError>({
    job: ['token'],
    limitMs: limitOf,
    lingerMs: LINGER_MS,
    isCutOff: true,
    revive: toldTokenError,
    unanswered: (none, name) => unansweredTokenError(none, DOING[name as Asked] ?? JUDGING, limitOf(name)),
  });
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other, as in the token: a call has all of its time, and none ends with the failure of another. */
  const inTurn = <T>(call: (options: TokenOptions) => Promise<T>): Promise<T> => {
    const named = { module, token: undefined, uri: uriOf(token), notes: pinRecord };
    const turn = last.then(async () => call({ ...named, pin: await pin() }));
    last = turn.catch(() => {});
    return turn;
  };
  return {
    name: token,
    forget: () => worker.end(),
    certificates: (id) => inTurn((options) => worker.ask('certificates', options, id)),
    describe: (key) => inTurn((options) => worker.ask('describe', options, key)),
    findById: (id) => inTurn((options) => worker.ask('findById', options, id)),
    judge: (chain) => inTurn((options) => worker.ask('judge', options, chain)),
    generate: (label, keyType, id) => inTurn((options) => worker.ask('generate', options, label, keyType, id)),
    sign: (key, message) => inTurn((options) => worker.ask('sign', options, key, message)),
    storeCertificate: (key, der) => inTurn((options) => worker.ask('storeCertificate', options, key, der)),
  };
}

/** The job of that process. */
export function tokenJob(): Job {
  let opening: Promise<Token> | undefined;
  return {
    ends: 'after a failure',
    // The next process may make the same key: two with one CKA_ID are none.
    isCutOff: true,
    async perform(name, [options, ...asked]) {
      opening ??= openToken(options as TokenOptions);
      const token = await opening;
      if (name === 'judge') return judge(token, options as TokenOptions, asked[0] as Judged);
      if (!Object.hasOwn(DOING, name)) throw new RangeError(name);
      // Both ends are this program, so the arguments are those of the method.
      const method: (...asked: never[]) => Promise<unknown> = token[name as Asked];
      return method.apply(token, asked as never[]);
    },
    explain: (error) => tellTokenError(error, 'Work for the next leaf'),
  };
}

async function judge(token: Token, { module, pin }: TokenOptions, { id, chain, anchor, tls, directory }: Judged) {
  const [{ judgedChain }, { TokenConnectors }, { prepareTls }] = await Promise.all([
    import('./rehearse.ts'),
    import('./tls.ts'),
    import('./tls-way.ts'),
  ]);
  const connectors = new TokenConnectors(token, pin, directory, await prepareTls({ module, tls }));
  return judgedChain((ca) => connectors.connector({ id, chain, ca }), anchor);
}
