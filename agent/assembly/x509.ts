import { join } from 'node:path';
import { rehearsedAnew } from '../../hsm/anew.ts';
import { destroyerOf } from '../../hsm/destroy.ts';
import { rememberToken } from '../../hsm/known-token.ts';
import { readPin } from '../../hsm/pin.ts';
import { TokenConnectors } from '../../hsm/tls.ts';
import { prepareTls } from '../../hsm/tls-way.ts';
import { openToken } from '../../hsm/token.ts';
import { tokenApart } from '../../hsm/token-apart.ts';
import type { X509Config } from '../config/config.ts';
import { Daemon } from '../daemon/daemon.ts';
import { onlyTo } from '../dps/allowed.ts';
import { createDps } from '../dps/registration.ts';
import { failure } from '../failure/failure.ts';
import { nameToken } from '../failure/failure-of.ts';
import { createHub } from '../hub/session.ts';
import { opensAnew } from '../keys/anew.ts';
import { storesBeside } from '../keys/beside.ts';
import { EarlyChain } from '../keys/early-chain.ts';
import { FewAuthorities } from '../keys/few-authorities.ts';
import { createJudge, givenLeaf } from '../keys/judge.ts';
import { newerLeaf } from '../keys/newer.ts';
import { clearing, labelsOf, strangerIn } from '../keys/occupied.ts';
import { createKeys } from '../keys/slots.ts';
import { overToken, trustedConnectors } from '../keys/trusted.ts';
import { droppingTo } from '../machine/log.ts';
import { secretDirectory } from '../machine/runtime-directory.ts';
import { lacksKey } from '../roll/look.ts';
import { adoptedChain } from '../state/adopted.ts';
import { makeDirectory } from '../state/durable.ts';
import { publish } from '../state/published.ts';
import { KEY_MADE_MS, TOKEN_WORK_MS } from '../time/token-limits.ts';
import { foundationOf, type Given } from './foundation.ts';
import { changedSince, createIssuer } from './issuers.ts';

interface AssemblyOptions extends Given<X509Config> {
  /** The PIN, where only root may read it and has (machine/as-daemon.ts). */
  readonly pin?: string | undefined;
  /** Daemons before this one have crashed twice in a row. */
  readonly isCrashing?: boolean;
}

const AFTER_CRASHES =
  'Two daemons in a row have crashed, most likely in the PKCS#11 module: now stunnel does TLS with it, in a process of its own.';

/**
 * Builds the daemon of a gateway with a leaf: this file, tpm.ts and issuers.ts alone join adapters to its ports. Opens the token,
 * with one login.
 * @throws TokenError, Fault
 */
export async function assemble(options: AssemblyOptions): Promise<Daemon> {
  const { file, config, log, env, uplink } = options;
  const { dps, hsm, leaf, state } = config;
  const { directory } = state;
  const foundation = foundationOf(options);
  const { answer, clock, keepalive, network, registrationId, terms, version, view } = foundation;
  const { current } = view;
  const now = () => clock.now();
  await makeDirectory(directory);

  const { module } = hsm;
  const named = { module, token: hsm.token, uri: hsm.uri, notes: directory };
  const { isCrashing = false } = options;
  const helped = await prepareTls({ ...hsm, isCrashing });
  const tls = helped === undefined ? hsm.tls : 'helper';
  if (isCrashing && tls !== hsm.tls) log.warn({ event: 'tls-by-stunnel', message: AFTER_CRASHES });
  const place = { file: hsm.pin_file, held: options.pin, credentialsDirectory: env.CREDENTIALS_DIRECTORY };
  const pin = await readPin(place);
  const token = await openToken({ ...named, pin, watched: (work) => view.during('calls', work) });
  await rememberToken(directory, token.name);
  if (token.doubt !== undefined)
    log.warn({ event: 'token-doubted', message: token.doubt, advice: nameToken('it', token.name.serial) });
  const hidden = secretDirectory(env);
  const connectors = new TokenConnectors(token, pin, hidden, helped);
  const rehearsed = rehearsedAnew({ ...named, tls, pin: () => readPin(place), directory: hidden });
  const few = new FewAuthorities(directory);
  const others = {
    module,
    token: token.name,
    // The PIN has opened the token already: a file that is missing for the moment does no harm.
    pin: () => readPin(place).catch(() => pin),
    pinRecord: directory,
  };
  const apart = tokenApart({ ...others, limitMs: { make: KEY_MADE_MS, other: TOKEN_WORK_MS } });
  const destroy = destroyerOf(others);
  const isLost = () => lacksKey(view.state());
  const { ca_file: caFile } = config.trust;
  const trusted = trustedConnectors({ token, apart, connectors, caFile, few, current, isLost, now, log });
  const keys = createKeys({
    token,
    apart,
    prefix: hsm.label_prefix,
    // One document of Microsoft demands EC P-384 of a leaf that Azure issues; its samples and tests also use others.
    ...(leaf.key_type === undefined && config.issuer.kind === 'azure'
      ? { keyType: 'ec-p384', otherType: 'ec-p256' }
      : { keyType: leaf.key_type ?? 'ec-p256' }),
    registrationId,
    directory: join(directory, 'csr'),
    current: () => current()?.key,
    making: (work) => view.during('keys', work),
    wrote: trusted.wrote,
    warn: (message) => log.warn({ event: 'key-doubted', message }),
    clearing: (label) => clearing({ token, registrationId, directory, now: now() }, label),
    destroy,
  });

  const early = new EarlyChain();
  const judging = { token, registrationId, current, now, early, log };
  const { forLeaf: connectorFor, forIssuer: clientConnector, forBootstrap: bootstrapConnector } = trusted;
  const far = { connectorFor, reach: network.reach, dropped: droppingTo(log) };
  const { endpoint, id_scope: idScope, payload, allowed_hubs: allowed } = dps;
  const asked = { ...far, endpoint, idScope, registrationId, ...(payload && { payload }) };
  const { issuer: choice } = config;
  const user = uplink?.user;
  const azure =
    choice.kind === 'azure'
      ? await (await import('./azure.ts')).azureParts({
          config,
          choice,
          token,
          connectors,
          dps: asked,
          state: view.state,
          now,
          log,
          user,
        })
      : undefined;
  return new Daemon({
    ...foundation,
    ...(azure && { onboarding: azure.onboarding, beside: () => options.beside?.() ?? azure.beside() }),
    ports: {
      keys,
      issuer: early.before(
        azure?.issuer ??
          createIssuer(choice, {
            registrationId,
            directory,
            log,
            now,
            current,
            network,
            clientConnector,
            bootstrapConnector,
          }),
      ),
      judge: createJudge(judging, terms.renewAt, (shown) => apart.judge({ ...shown, tls, directory: hidden })),
      opensAnew: opensAnew(token, rehearsed),
      ...overToken(
        {
          dps: onlyTo(azure?.dps ?? createDps(asked), allowed),
          hub: createHub({ ...far, keepalive, answer, version, ...(user && { user }), ...azure?.hub }),
        },
        few,
      ),
    },
    labelPrefix: hsm.label_prefix,
    issuerChanged: (since) => changedSince(file, choice, since),
    given: async () => givenLeaf(judging, hsm.key, await adoptedChain(directory)),
    newer: (than) =>
      newerLeaf({ token, judge: createJudge(judging, 'off'), labels: labelsOf(hsm.label_prefix), directory }, than),
    async stranger(known) {
      const given = hsm.key === undefined ? [] : [(await token.findByUri(hsm.key)).id];
      const found = await strangerIn(token, labelsOf(hsm.label_prefix), () => [...known(), ...given]);
      return found && failure('NL-TOKEN-OCCUPIED', { message: found.message });
    },
    publish: (after) => publish(directory, after),
    afterStep: storesBeside({ token, apart, destroy, log, clock }),
  });
}
