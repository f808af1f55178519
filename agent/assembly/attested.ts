import type { Config } from '../config/config.ts';
import { Fault } from '../failure/failure.ts';
import { isEndorsed } from '../roll/leaf.ts';
import type { Entry } from '../state/entry.ts';
import type { Journal } from '../state/journal.ts';

/**
 * The journal of a gateway that attests as it is configured: the state of a gateway of the other kind names keys that this one
 * does not have.
 * @throws by `read`, besides its own: Fault NL-CONFIG
 */
export function attested(journal: Journal<Entry>, { dps, state }: Config): Journal<Entry> {
  return {
    async read() {
      const entry = await journal.read();
      const was = entry === 'absent' ? undefined : attestationIn(entry);
      if (was === undefined || was === dps.attestation) return entry;
      throw new Fault('NL-CONFIG', {
        message: `The state in ${state.directory} is that of a gateway with attestation "${was}", and dps.attestation is "${dps.attestation}".`,
        advice: `Set dps.attestation back; or, to begin anew with the other, move ${state.directory}/state.json away.`,
      });
    },
    write: (entry) => journal.write(entry),
  };
}

/** Undefined where the state does not tell yet. With a TPM there is no candidate; with a leaf, one may wait for its issuer. */
function attestationIn({ current, next }: Entry): Config['dps']['attestation'] | undefined {
  if (current === undefined && next === undefined) return undefined;
  return current !== undefined && isEndorsed(current) ? 'tpm' : 'x509';
}
