import type { Config } from './config.ts';
import type { Entry } from './entry.ts';
import type { Journal } from './journal.ts';
import { Fault } from './roll/failure.ts';
import { isEndorsed } from './roll/leaf.ts';

/**
 * The journal of a gateway that attests as it is configured. A state that was written by a gateway of the other kind would
 * be acted on with keys that it does not mean.
 * @throws by `read`, besides its own: Fault NL-CONFIG
 */
export function attested(journal: Journal<Entry>, { dps, state }: Config): Journal<Entry> {
  return {
    async read() {
      const entry = await journal.read();
      const leaf = entry === 'absent' ? undefined : (entry.current ?? entry.next?.leaf);
      if (leaf === undefined || isEndorsed(leaf) === (dps.attestation === 'tpm')) return entry;
      const was = isEndorsed(leaf) ? 'tpm' : 'x509';
      throw new Fault('NL-CONFIG', {
        message: `The state in ${state.directory} is that of a gateway with attestation "${was}", and dps.attestation is "${dps.attestation}".`,
        advice: `Set dps.attestation back; or, to begin anew with the other, move ${state.directory}/state.json away.`,
      });
    },
    write: (entry) => journal.write(entry),
  };
}
