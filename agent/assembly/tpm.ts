import { createHash } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { connectorOf } from '../../hsm/connector.ts';
import { createTpm } from '../../hsm/tpm/tpm.ts';
import type { TpmConfig } from '../config/config.ts';
import { Daemon } from '../daemon/daemon.ts';
import { onlyTo } from '../dps/allowed.ts';
import { createTpmDps } from '../dps/tpm/attest.ts';
import { Fault } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { createHub } from '../hub/session.ts';
import { promoting } from '../hub/tpm/promotion.ts';
import { renewing } from '../hub/tpm/renewal.ts';
import { hubToken, TOKEN_MS } from '../hub/tpm/sas.ts';
import { HubKey } from '../keys/hub-key.ts';
import { failureFields } from '../machine/failure-fields.ts';
import { droppingTo } from '../machine/log.ts';
import { readAuthorities } from '../machine/named-file.ts';
import { endorsed } from '../roll/leaf.ts';
import type { Ports } from '../roll/ports.ts';
import { mayBeRight } from '../roll/terms.ts';
import { makeDirectory } from '../state/durable.ts';
import { foundationOf, type Given } from './foundation.ts';

/**
 * Builds the daemon of a gateway that attests by its TPM: the same loop and the same machine, with other adapters. There is
 * no token, no leaf, and no issuer.
 */
export async function assembleTpm(options: Given<TpmConfig>): Promise<Daemon> {
  const { config, log, uplink } = options;
  const { dps, state } = config;
  const foundation = foundationOf(options);
  const { answer, clock, draw, keepalive, network, registrationId, terms, version, view } = foundation;
  await makeDirectory(state.directory);
  const tpm = createTpm(config.tpm.device);
  const key = new HubKey(tpm, state.directory);
  const connectorFor = async () =>
    connectorOf(createSecureContext({ ca: await readAuthorities('trust.ca_file', config.trust.ca_file) }));
  const startedAt = clock.monotonic();
  /** DPS or the hub refuses a SAS token made by a wrong clock, and a refusal costs a registration. */
  const assertClock = () => {
    const upMs = clock.monotonic() - startedAt;
    if (!mayBeRight(view.state(), terms, clock.now(), upMs)) throw new Fault('NL-CLOCK');
  };

  const { endpoint, id_scope: idScope, payload } = dps;
  const anywhere = createTpmDps({
    endpoint,
    idScope,
    registrationId,
    connectorFor,
    through: network.through,
    now: () => clock.now(),
    tpm: { ...tpm, take: (blob) => key.take(blob) },
    ...(payload && { payload }),
  });
  const registration = onlyTo(anywhere, dps.allowed_hubs);
  const sessions = createHub({
    connectorFor,
    reach: network.reach,
    keepalive,
    async signatureFor(assignment) {
      assertClock();
      return hubToken(assignment, (message) => key.sign(assignment.key, message), clock.now());
    },
    answer,
    version,
    dropped: droppingTo(log),
    ...(uplink && { user: uplink.user }),
  });
  const warn = (event: string) => (error: unknown) => log.warn({ event, ...failureFields(failureOf(error)) });
  const proven = promoting(sessions, {
    key,
    kept: () => log.warn({ event: 'key-before-kept', message: KEPT }),
    failed: warn('key-not-promoted'),
  });
  const hub = renewing(proven, { lifeMs: TOKEN_MS, draw, clock, failed: warn('token-not-renewed') });

  return new Daemon({
    ...foundation,
    ports: {
      ...leafless,
      dps: {
        async register(leaf, abort) {
          assertClock();
          return registration.register(leaf, abort);
        },
      },
      hub: { ...hub, close: () => hub.close().then(() => tpm.close()) },
    },
    labelPrefix: '',
    async given() {
      const { endorsementKey } = await tpm.identity();
      return endorsed(registrationId, createHash('sha256').update(endorsementKey).digest('hex').toUpperCase());
    },
    async publish() {},
  });
}

const KEPT = 'The hub refuses the new key from DPS, and accepts the previous one, which stays in use.';

const none = async (): Promise<never> => {
  throw new Fault('NL-TPM-NO-LEAF');
};

/** Ports that need a leaf; with a TPM the rules never ask for them. */
const leafless: Pick<Ports, 'keys' | 'issuer' | 'judge' | 'opensAnew'> = {
  keys: { generate: none, csr: none, destroy: none },
  issuer: { issue: none },
  judge: none,
  opensAnew: async () => undefined,
};
