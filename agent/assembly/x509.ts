import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import { TokenError } from '../../hsm/ckr.ts';
import { destroyerOf } from '../../hsm/destroy.ts';
import { prepareEngine, tokenErrorOf } from '../../hsm/engine.ts';
import { readPin } from '../../hsm/pin.ts';
import { PinRecord } from '../../hsm/pin-record.ts';
import { TokenContexts } from '../../hsm/tls.ts';
import { openToken, type Token } from '../../hsm/token.ts';
import type { X509Config } from '../config/config.ts';
import { Daemon } from '../daemon/daemon.ts';
import { onlyTo } from '../dps/allowed.ts';
import { createDps } from '../dps/registration.ts';
import { failureOf } from '../failure/failure-of.ts';
import { createHub } from '../hub/session.ts';
import { readAuthorities } from '../issuer/authorities.ts';
import { certificatePem, toPem } from '../issuer/pem.ts';
import { type Expected, verify } from '../issuer/verify.ts';
import { createKeys, publicKeyOf } from '../keys/slots.ts';
import { droppingTo, failureFields, type Log } from '../machine/log.ts';
import type { KeyRef, Leaf } from '../roll/leaf.ts';
import { dueAt } from '../roll/plan.ts';
import type { Dps, Hub } from '../roll/ports.ts';
import { makeDirectory, runtimeDirectory, sync } from '../state/durable.ts';
import { publish } from '../state/published.ts';
import { foundationOf, type Given } from './foundation.ts';
import { createIssuer, Held } from './issuers.ts';

export interface AssemblyOptions extends Given<X509Config> {
  /** The PIN, where only root may read it and has (become.ts). */
  readonly pin?: string | undefined;
}

/**
 * Builds the daemon of a gateway with a leaf: this file and tpm-assembly.ts alone name concrete adapters. Opens the token, with one login.
 * @throws TokenError, Fault
 */
export async function assemble(options: AssemblyOptions): Promise<Daemon> {
  const { config, log, env } = options;
  const { dps, hsm, state } = config;
  const foundation = foundationOf(options);
  const { clock, registrationId, terms, version } = foundation;
  await makeDirectory(state.directory);
  prepareEngine(hsm.module);
  const { module } = hsm;
  const place = { file: hsm.pin_file, held: options.pin, credentialsDirectory: env.CREDENTIALS_DIRECTORY };
  const pin = await readPin(place);
  const pinRecord = new PinRecord(state.directory);
  const token = await openToken({ module, token: hsm.token, uri: hsm.uri, pin, pinRecord });
  const contexts = new TokenContexts(token, pin, runtimeDirectory(env) ?? state.directory);
  const contextWith = (leaf: Leaf, ca: string) => contexts.context({ id: leaf.key.id, chain: leaf.chain, ca });
  let onDisk: Promise<void> | undefined;
  const contextFor = async (leaf: Leaf) => {
    // SoftHSM 2.6.1 writes without fsync: a power cut would leave an empty file, and of the old key nothing. So nobody comes to
    // trust a new key before it is on the disk, whichever process has made it.
    if (leaf.key.id !== daemon.state.current?.key.id) {
      onDisk ??= sync();
      await onDisk;
    }
    return contextWith(leaf, await readAuthorities('trust.ca_file', config.trust.ca_file));
  };

  const held = new Held();
  const judgedBy = (renewAt: Expected['renewAt']) => async (delivered: string | Uint8Array, key: KeyRef) => {
    const { spki } = await publicKeyOf(token, key);
    const chain = typeof delivered === 'string' ? delivered : await toPem(delivered);
    const { leaf, notes } = held.watch(chain, () =>
      verify(chain, {
        key,
        spki,
        cn: registrationId,
        now: clock.now(),
        renewAt,
        ...(daemon.state.current && {
          currentNotAfter: daemon.state.current.notAfter,
          currentChain: daemon.state.current.chain,
        }),
      }),
    );
    for (const message of notes) log.info({ event: 'leaf-noted', thumbprint: leaf.thumbprint, message });
    return leaf;
  };
  const judge = judgedBy((leaf) => dueAt(leaf, terms.renewAt));
  const usable = () => {
    const { current } = daemon.state;
    return current !== undefined && current.notAfter > clock.now() ? current : undefined;
  };
  const unstored = (error: unknown) => log.warn({ event: 'certificate-unstored', ...failureFields(failureOf(error)) });
  const keys = createKeys({
    token,
    prefix: hsm.label_prefix,
    keyType: config.leaf.key_type,
    registrationId,
    directory: join(state.directory, 'csr'),
    current: () => daemon.state.current?.key,
    keeps: !config.leaf.rotate_key,
    wrote() {
      onDisk = sync();
    },
    warn: (message) => log.warn({ event: 'key-doubted', message }),
    destroy: destroyerOf({
      module,
      token: token.name,
      // A file that is away for the moment keeps nothing from the PIN that has opened the token.
      pin: () => readPin(place).catch(() => pin),
      pinRecord: state.directory,
    }),
  });

  const dropped = droppingTo(log);
  const daemon: Daemon = new Daemon({
    ...foundation,
    ports: {
      keys,
      issuer: held.before(
        createIssuer(config.issuer, {
          registrationId,
          directory: state.directory,
          log,
          current: () => daemon.state.current,
          clientContext: async (ca) => {
            const leaf = usable();
            return leaf && contextWith(leaf, ca).catch((error: unknown) => withoutKey(error, log));
          },
          bootstrapContext: (uri, chain, ca) => bootstrapWith(token, contexts, uri, chain, ca),
        }),
      ),
      judge,
      dps: tokenErrors(
        onlyTo(
          createDps({
            endpoint: dps.endpoint,
            idScope: dps.id_scope,
            registrationId,
            contextFor,
            dropped,
            ...(dps.payload && { payload: dps.payload }),
          }),
          dps.allowed_hubs,
        ),
      ),
      hub: hubWithTokenErrors(createHub({ contextFor, answer: (ask) => daemon.answer(ask), version, dropped })),
    },
    labelPrefix: hsm.label_prefix,
    keepKey: !config.leaf.rotate_key,
    // A factory makes leaves for years, and a gateway may lie on a shelf: what is due serves until it is renewed.
    given: () =>
      givenLeaf(
        token,
        hsm.key,
        judgedBy(() => undefined),
        log,
      ),
    async publish(now, before) {
      await publish(state.directory, now, before);
      // Beside its key, for whoever looks into the token with other tools. A token may have no room for it: that is no loss,
      // and no reason to write the files once more at each turn of the loop.
      if (now.current !== undefined && now.current !== before?.current) await keys.store(now.current).catch(unstored);
    },
  });
  return daemon;
}

/** A leaf whose key is lost proves nothing to an issuer any more: what served for the first enrolment may still do. */
function withoutKey(error: unknown, log: Log): undefined {
  if (!(error instanceof TokenError) || error.kind !== 'key') throw error;
  log.warn({
    event: 'leaf-without-key',
    message: 'The current leaf cannot be shown to the issuer.',
    cause: error.message,
  });
}

/** TLS with a key that is in the token and no leaf of ours; its certificate comes from a file, or lies beside it. */
async function bootstrapWith(
  token: Token,
  contexts: TokenContexts,
  uri: string,
  chain: string | undefined,
  ca: string,
): Promise<SecureContext> {
  const { id } = await token.findByUri(uri);
  const beside = async () => (await token.certificates(id)).map(certificatePem).join('');
  return contexts.context({ id, chain: chain ?? (await beside()), ca });
}

/** A handshake is where it shows that the key is gone: what OpenSSL says of the token is told as the token's fault. */
function tokenErrors(dps: Dps): Dps {
  return { register: (leaf, abort) => dps.register(leaf, abort).catch(rethrow) };
}

function hubWithTokenErrors(hub: Hub): Hub {
  return {
    connect: (leaf, assignment, abort) => hub.connect(leaf, assignment, abort).catch(rethrow),
    signals: hub.signals,
    report: (reported) => hub.report(reported),
    close: () => hub.close(),
  };
}

function rethrow(error: unknown): never {
  throw tokenErrorOf(error) ?? error;
}

/** The leaf of a key that was in the token before us: the certificate object with the same CKA_ID. */
async function givenLeaf(
  token: Token,
  uri: string | undefined,
  judge: (chain: string, key: KeyRef) => Promise<Leaf>,
  log: Log,
): Promise<Leaf | undefined> {
  if (uri === undefined) return undefined;
  const { id } = await token.findByUri(uri);
  const certificates = await token.certificates(id);
  if (certificates.length > 0) return judge(certificates.map(certificatePem).join(''), { slot: 'given', id });
  const message = 'The key named by hsm.key has no certificate beside it in the token: newleaf makes a key of its own.';
  log.warn({ event: 'given-key-without-leaf', message });
  return undefined;
}
