import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TokenError } from '../../hsm/ckr.ts';
import { csr, isCsr } from '../../hsm/csr.ts';
import { doubtsOf } from '../../hsm/key-pair.ts';
import type { KeyType, PublicKey } from '../../hsm/public-key.ts';
import type { Token } from '../../hsm/token.ts';
import type { TokenApart } from '../../hsm/token-apart.ts';
import type { Advice } from '../failure/advice.ts';
import { Fault } from '../failure/failure.ts';
import type { KeyRef, Slot } from '../roll/leaf.ts';
import type { Keys } from '../roll/ports.ts';
import { writeAtomically } from '../state/durable.ts';
import { generatedOr, isWhole } from './whole.ts';

interface KeysOptions {
  /** Open in this process: it finds keys, and signs for the session. */
  readonly token: Token;
  /** In another process, which makes keys and signs CSRs: a module may hang in that. */
  readonly apart: TokenApart;
  /** Object labels are this with `-a` and `-b`. */
  readonly prefix: string;
  readonly keyType: KeyType;
  /** Of a token that makes no keys of that type. */
  readonly otherType?: KeyType | undefined;
  /** The CN of every CSR. */
  readonly registrationId: string;
  /** For the CSRs: an issuer that asks to come back later knows the request by its bytes, and ECDSA signs differently each time. */
  readonly directory: string;
  /** The key of the current leaf. */
  readonly current: () => KeyRef | undefined;
  /** Makes a key, which may keep the token busy for minutes. */
  readonly making: <T>(work: () => Promise<T>) => Promise<T>;
  /** Called when the token has written a key, which need not be on the disk yet. */
  readonly wrote: () => void;
  /** Gets the token's complaint about a key that it has made. */
  readonly warn: (message: string) => void;
  /** What a person does about an object in the place of the first key (occupied.ts). */
  readonly clearing: (label: string) => Promise<Advice>;
  /** Destroys a key pair in a process of its own (hsm/destroy.ts says why). */
  readonly destroy: (label: string, id: string) => Promise<void>;
}

export function createKeys(options: KeysOptions): Keys {
  const {
    token,
    apart,
    prefix,
    keyType,
    otherType,
    registrationId,
    directory,
    current,
    making,
    wrote,
    warn,
    clearing,
    destroy,
  } = options;
  const maker = token.makesKeysHere ? token : apart;
  const requests = new Map<string, Promise<string>>();
  const request = async (key: KeyRef): Promise<string> => {
    const found = await publicKeyOf(token, key);
    const isWanted = found.keyType === keyType || found.keyType === otherType;
    if (!isWanted && key.id !== current()?.id) throw outdated(found, keyType);
    const written = await readFile(fileOf(key), 'utf8').catch(() => '');
    if (isCsr(written, registrationId, found)) return written;
    const made = await csr(registrationId, found, (message) => apart.sign(found, message));
    await writeAtomically(fileOf(key), made, 0o644);
    return made;
  };
  const fileOf = ({ id }: KeyRef) => join(directory, `${registrationId}.${id}.pem`);
  const hasSigned = async (key: KeyRef) =>
    (await maker.certificates(key.id)).length > 0 || (await readFile(fileOf(key)).catch(() => undefined)) !== undefined;
  const labelOf = (slot: Slot) => `${prefix}-${slot}`;
  /** Both processes see the key: this one needs it for TLS, the other for the CSR. */
  const shown = async (key: KeyRef): Promise<KeyRef> => {
    if (token.makesKeysHere) apart.forget(key.id);
    await token.findMade(key.id);
    return key;
  };
  const labelIn = async (id: string) => (await token.findById(id).catch(() => undefined))?.label;
  /**
   * A key keeps its label, also under another hsm.label_prefix. The child itself meets an error that hides the label. One that is
   * told wrongly names no key, and what is not there counts as destroyed: so it is told twice.
   */
  const labelNow = async ({ slot, id }: KeyRef) => {
    const label = (await labelIn(id)) ?? labelOf(slot);
    if (label === labelOf(slot) || label === (await labelIn(id))) return label;
    return (await labelIn(id)) ?? labelOf(slot);
  };
  return {
    async generate(slot, id) {
      if (slot === 'given') throw new Fault('NL-INTERNAL', { message: 'A given key is never generated.' });
      const label = labelOf(slot);
      if (await isWhole(maker, { label, id }, () => hasSigned({ slot, id }), destroy)) return shown({ slot, id });
      // The CSR of a key with this CKA_ID that was lost.
      await rm(fileOf({ slot, id }), { force: true });
      const made = await making(() => generatedOr(maker, { label, id }, keyType, otherType)).catch(
        async (error: unknown) => {
          if (!isOccupied(error) || current() !== undefined) throw error;
          throw new Fault('NL-TOKEN-OCCUPIED', { message: error.message, ...(await clearing(label)) });
        },
      );
      wrote();
      const doubts = doubtsOf(await maker.describe(made));
      if (doubts.length > 0) warn(`The token says of the new key "${label}" that ${doubts.join(', and that ')}.`);
      return shown({ slot, id });
    },
    csr(key) {
      // Two at once would make two CSRs, and the issuer knows one of them.
      const once = () => request(key);
      // A token may say once what is wrong, of its key or with it.
      const twice = () => once().catch((error) => (isWrong(error) ? once() : Promise.reject(error)));
      const asked = requests.get(key.id) ?? twice().finally(() => requests.delete(key.id));
      requests.set(key.id, asked);
      return asked;
    },
    async destroy(key) {
      await destroy(await labelNow(key), key.id);
      token.forget(key.id);
      await rm(fileOf(key), { force: true });
    },
  };
}

/** @throws Fault NL-TOKEN-KEY */
export async function publicKeyOf(token: Pick<Token, 'findById' | 'name'>, { slot, id }: KeyRef): Promise<PublicKey> {
  const found = await token.findById(id);
  if (found !== undefined) return found;
  const message = `Token "${token.name.label}" has no key with the id ${id} (slot ${slot}).`;
  throw new Fault('NL-TOKEN-KEY', { message });
}

const isWrong = (error: unknown): boolean => error instanceof TokenError && error.code === 'SIGNATURE_WRONG';

const isOccupied = (error: unknown): error is TokenError =>
  error instanceof TokenError && error.code === 'LABEL_OCCUPIED';

/** The key was made, and perhaps refused by the CA, before the configuration asked for another type. */
function outdated({ label, keyType: type }: PublicKey, wanted: KeyType): Fault {
  const message = `The next key "${label}" is of type ${type}, and leaf.key_type is ${wanted}.`;
  return new Fault('NL-ISSUER-NEW-KEY', { message, advice: 'Make another: `newleaf csr --new-key`' });
}
