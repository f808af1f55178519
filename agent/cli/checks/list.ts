import type { Config } from '../../config/config.ts';
import { chain } from './chain.ts';
import type { Check } from './check.ts';
import { clock } from './clock.ts';
import { configuration } from './configuration.ts';
import { enrollment } from './enrollment.ts';
import { issuerAuth, issuerReach } from './issuer.ts';
import { keys } from './keys.ts';
import { leafKey } from './leaf-key.ts';
import { leafValidity } from './leaf-validity.ts';
import { moduleLoads } from './module-loads.ts';
import { permissions } from './permissions.ts';
import { pin } from './pin.ts';
import { dpsReach, hubReach } from './reach.ts';
import { registrationId } from './registration-id.ts';
import { dpsTls, hubTls } from './shaken.ts';
import { socket } from './socket.ts';
import { inbox, stateDirectory } from './state-directory.ts';
import { stateFile } from './state-file.ts';
import { tlsEngine } from './tls-engine.ts';
import { tlsHandshake } from './tls-handshake.ts';
import { tokenPresent } from './token-present.ts';
import { tpm } from './tpm.ts';
import { trouble } from './trouble.ts';
import { unit } from './unit.ts';
import { UPLINK_CHECKS } from './uplink.ts';
import { version } from './version.ts';

/** Every check, from the gateway outwards: a check stands after those it needs. */
export const CHECKS: readonly Check[] = [
  configuration,
  stateFile,
  stateDirectory,
  inbox,
  permissions,
  clock,
  tpm,
  moduleLoads,
  tokenPresent,
  pin,
  keys,
  leafKey,
  tlsEngine,
  tlsHandshake,
  leafValidity,
  registrationId,
  chain,
  dpsReach,
  dpsTls,
  enrollment,
  hubReach,
  hubTls,
  issuerReach,
  issuerAuth,
  unit,
  socket,
  version,
  trouble,
  ...UPLINK_CHECKS,
];

/** The checks that make sense with this attestation; all, where the attestation is not known. */
export function checksFor(config: Config | undefined): readonly Check[] {
  if (config === undefined) return CHECKS;
  const { attestation } = config.dps;
  return CHECKS.filter(({ of = attestation }) => of === attestation);
}
