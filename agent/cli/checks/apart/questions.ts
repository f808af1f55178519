import type { Protection } from '../../../../hsm/key-pair.ts';
import type { PublicKey } from '../../../../hsm/public-key.ts';
import type { Identity } from '../../../../hsm/tls.ts';
import type { TokenName } from '../../../../hsm/uri.ts';
import type { HttpsReply } from '../../../issuer/answer.ts';
import type { Errand } from '../../../issuer/enrolment.ts';

/** Which token, by the names of the configuration. */
export interface Locator {
  readonly module: string;
  readonly token: string | undefined;
  readonly uri: string | undefined;
}

export interface Login extends Locator {
  readonly pin: string;
  /** The directory of the PinRecord. */
  readonly pinRecord: string;
}

/** A token before login. */
export interface FoundToken {
  readonly name: TokenName;
  /** CKF_ flags of CK_TOKEN_INFO. */
  readonly flags: number;
}

/** A server's judgement of our certificate. */
export interface Shaken {
  /** silent: the handshake is over, and the server has neither refused us nor gone on within five seconds. */
  readonly verdict: 'taken' | 'silent' | 'refused';
  readonly protocol?: string;
  /** Why it was refused. */
  readonly reason?: string;
}

/**
 * Questions to the process that loads the PKCS#11 module. All but `load` and `slot` come after `open`. Each throws its failure
 * as a Fault.
 */
export interface Questions {
  load(module: string): void;
  slot(locator: Locator): FoundToken;
  /** One login. */
  open(login: Login): TokenName;
  find(label: string): PublicKey | undefined;
  findById(id: string): PublicKey | undefined;
  findByUri(uri: string): PublicKey;
  describe(key: PublicKey): Protection;
  sign(key: PublicKey, message: Uint8Array): Buffer;
  /** Certificates (DER) beside a key. */
  certificates(id: string): readonly Buffer[];
  /** A handshake of the key with itself, at each version of TLS in turn. */
  rehearse(identity: Identity): void;
  /** A handshake with a server, and nothing after it. */
  shake(host: string, identity: Identity): Shaken;
  /** One request over HTTPS. */
  fetch(errand: Errand, identity: Identity): HttpsReply;
}

export type Question = keyof Questions;
export type Asked<Q extends Question> = Parameters<Questions[Q]>;
export type Told<Q extends Question> = ReturnType<Questions[Q]>;
