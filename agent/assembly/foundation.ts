import { onWire } from '../ask/wire.ts';
import type { Config } from '../config/config.ts';
import { termsOf } from '../config/terms.ts';
import { DaemonView } from '../daemon/view.ts';
import { type Failure, Fault } from '../failure/failure.ts';
import { Keepalive } from '../hub/keepalive.ts';
import { builtAt, version } from '../machine/build.ts';
import type { Log } from '../machine/log.ts';
import { createNotify } from '../machine/notify.ts';
import type { SessionUser } from '../mqtt/hub-session.ts';
import { Network } from '../network/network.ts';
import { isEndorsed } from '../roll/leaf.ts';
import { assertWritable } from '../state/durable.ts';
import { type Entry, validateEntry } from '../state/entry.ts';
import { createJournal, type Journal, stateFile } from '../state/journal.ts';
import { type Clock, systemClock } from '../time/clock.ts';

/** What both assemblies are given. */
export interface Given<C extends Config = Config> {
  /** The path of the configuration. */
  readonly file: string;
  readonly config: C;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  readonly uplink?: Uplinked;
  /** What is wrong beside the daemon. */
  readonly beside?: () => Failure | undefined;
}

/** The programs of this gateway, as far as the daemon has to do with them. */
export interface Uplinked {
  /** A second user of the session with the hub. */
  readonly user: SessionUser;
  /** For `status`; undefined where there are none. */
  readonly status: () => object | undefined;
  /** For the twin, so it changes seldom. */
  readonly reported: () => object | undefined;
}

/** The parts that every daemon has; keys, far side and first leaf come from the assembly. */
export function foundationOf({ config, log, env, clock = systemClock, uplink, beside }: Given) {
  const { directory } = config.state;
  const terms = termsOf(config, builtAt);
  const view = new DaemonView();
  const keepalive = new Keepalive(config.network.keepalive, () => clock.monotonic());
  return {
    keepalive,
    journal: attested(createJournal({ directory, validate: validateEntry }), config),
    assertWritable: () => assertWritable(stateFile(directory)),
    clock,
    network: new Network({
      settings: config.network,
      now: () => clock.monotonic(),
      changed: (transport) => log.info({ event: 'way-changed', message: CHANGED[transport] }),
    }),
    draw: Math.random,
    log,
    notify: createNotify(env, (cause) => log.warn({ event: 'notify-failed', cause: cause.message })),
    terms,
    version,
    registrationId: config.dps.registration_id,
    view,
    answer: onWire(view.answer, uplink?.status, terms.automatic),
    ...(uplink && { besideTwin: uplink.reported }),
    ...(beside && { beside }),
  };
}

const CHANGED = {
  mqtt: 'Port 8883 is open again, and newleaf uses it.',
  'mqtt-ws': 'Port 8883 gives no answer here, and 443 does: newleaf uses WebSockets on 443, and looks again in a day.',
} as const;

/**
 * The journal of a gateway that attests as it is configured: the state of a gateway of the other kind names keys that this one
 * does not have.
 * @throws by `read`, besides its own: Fault NL-CONFIG
 */
export function attested(journal: Journal<Entry>, { dps, state }: Config): Journal<Entry> {
  return {
    ...journal,
    async read() {
      const entry = await journal.read();
      const was = entry === 'absent' ? undefined : attestationIn(entry);
      if (was === undefined || was === dps.attestation) return entry;
      throw new Fault('NL-CONFIG', {
        message: `The state in ${state.directory} is that of a gateway with attestation "${was}", and dps.attestation is "${dps.attestation}".`,
        advice: `Set dps.attestation back; or, to begin anew with the other, move ${state.directory}/state.json away.`,
      });
    },
  };
}

/** Undefined where the state does not tell yet. With a TPM there is no candidate; with a leaf, one may wait for its issuer. */
function attestationIn({ current, next }: Entry): Config['dps']['attestation'] | undefined {
  if (current === undefined && next === undefined) return undefined;
  return current !== undefined && isEndorsed(current) ? 'tpm' : 'x509';
}
