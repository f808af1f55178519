import { readFile } from 'node:fs/promises';
import type { SecureContext } from 'node:tls';
import { destroyInChild } from '../hsm/destroy.ts';
import { prepareEngine, tokenErrorOf } from '../hsm/engine.ts';
import { readPin } from '../hsm/pin.ts';
import { PinRecord } from '../hsm/pin-record.ts';
import { TokenContexts } from '../hsm/tls.ts';
import { openToken, type Token } from '../hsm/token.ts';
import { version } from './build.ts';
import { systemClock } from './clock.ts';
import type { Config, IssuerChoice } from './config.ts';
import { Daemon } from './daemon.ts';
import { createDps } from './dps/registration.ts';
import { makeDirectory } from './durable.ts';
import { validateEntry } from './entry.ts';
import { publish } from './files.ts';
import { createHub } from './hub/session.ts';
import { certificatePem } from './issuer/pem.ts';
import { verify } from './issuer/verify.ts';
import { createJournal } from './journal.ts';
import { createKeys, publicKeyOf } from './keys.ts';
import type { Log } from './log.ts';
import { createNotify } from './notify.ts';
import { Fault } from './roll/failure.ts';
import type { KeyRef, Leaf } from './roll/leaf.ts';
import { dueAt } from './roll/plan.ts';
import type { Dps, Hub, Issuer } from './roll/ports.ts';
import { termsOf } from './terms.ts';

const EST_DEADLINE_MS = 60_000;
const EST_LARGEST_ANSWER = 256 * 1024;

export interface AssemblyOptions {
  readonly config: Config;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  /** argv of a process that destroys a key (see hsm/destroy.ts). */
  readonly destroyer: readonly string[];
}

/**
 * Builds the daemon from its parts: the only file that names concrete adapters. Opens the token, with one login.
 * @throws TokenError, Fault
 */
export async function assemble({ config, log, env, destroyer }: AssemblyOptions): Promise<Daemon> {
  const { dps, hsm, state } = config;
  const registrationId = dps.registration_id;
  await makeDirectory(state.directory);
  prepareEngine(hsm.module);
  const pin = await readPin({ file: hsm.pin_file, credentialsDirectory: env.CREDENTIALS_DIRECTORY });
  const pinRecord = new PinRecord(state.directory);
  const locator = { module: hsm.module, token: hsm.token, uri: hsm.uri };
  const token = await openToken({ ...locator, pin, pinRecord });
  const contexts = new TokenContexts(token, pin, env.RUNTIME_DIRECTORY?.split(':')[0] ?? state.directory);
  const contextWith = (leaf: Leaf, ca: string) => contexts.context({ id: leaf.key.id, chain: leaf.chain, ca });
  const contextFor = async (leaf: Leaf) => contextWith(leaf, await readTrust(config.trust.ca_file));
  const terms = termsOf(config);

  const judge = async (chain: string, key: KeyRef): Promise<Leaf> => {
    const { spki } = await publicKeyOf(token, key);
    const { leaf, notes } = verify(chain, {
      key,
      spki,
      cn: registrationId,
      now: systemClock.now(),
      renewAt: (notBefore, notAfter) => dueAt({ notBefore, notAfter, serial: '' }, terms.renewAt),
      ...(daemon.state.current && { currentNotAfter: daemon.state.current.notAfter }),
    });
    for (const message of notes) log.info({ event: 'leaf-noted', thumbprint: leaf.thumbprint, message });
    return leaf;
  };

  const daemon: Daemon = new Daemon({
    ports: {
      keys: createKeys({
        token,
        prefix: hsm.label_prefix,
        keyType: config.leaf.key_type,
        registrationId,
        destroy: (label, id) => destroyInChild(destroyer, { ...locator, pin, label, id, pinRecord: state.directory }),
      }),
      issuer: issuerOf(config.issuer, async (ca) => {
        const { current } = daemon.state;
        return current === undefined || current.notAfter <= systemClock.now() ? undefined : contextWith(current, ca);
      }),
      judge,
      dps: tokenErrors(
        createDps({
          endpoint: dps.endpoint,
          idScope: dps.id_scope,
          registrationId,
          contextFor,
          ...(dps.payload && { payload: dps.payload }),
        }),
      ),
      hub: hubWithTokenErrors(createHub({ contextFor, answer: (ask) => daemon.answer(ask), version })),
    },
    journal: createJournal({ directory: state.directory, validate: validateEntry }),
    clock: systemClock,
    draw: Math.random,
    log,
    notify: createNotify(env, (cause) => log.warn({ event: 'notify-failed', cause: cause.message })),
    terms,
    version,
    registrationId,
    labelPrefix: hsm.label_prefix,
    given: () => givenLeaf(token, hsm.key, judge, log),
    publish: (now, before) => publish(state.directory, now, before),
  });
  return daemon;
}

/** Read again for each connection: the roots of the servers may change while the daemon runs. */
async function readTrust(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: `trust.ca_file ${path} cannot be read.`, cause });
  }
}

/** EST is loaded when a leaf is needed: an idle daemon does not pay for it. */
function issuerOf(choice: IssuerChoice, clientContext: (ca: string) => Promise<SecureContext | undefined>): Issuer {
  if (choice.kind !== 'est') {
    const message = `leaf.issuer = "${choice.kind}" is not supported by this version.`;
    throw new Fault('NL-CONFIG', { message, advice: 'Set leaf.issuer = "est".' });
  }
  const { url, ca_file: caFile, username, password_file: passwordFile } = choice;
  return {
    async issue(csrPem, abort) {
      const { createEst } = await import('./issuer/est.ts');
      const est = createEst({
        url,
        caFile,
        clientContext,
        deadlineMs: EST_DEADLINE_MS,
        maxBytes: EST_LARGEST_ANSWER,
        ...(passwordFile !== undefined && { username, passwordFile }),
      });
      return est.issue(csrPem, abort);
    },
  };
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
