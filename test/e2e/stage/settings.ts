import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestToken } from '../../contract/token/softhsm.ts';
import type { Endpoints } from '../../simulator/api.ts';

/** Values of the configuration by dotted key, as TOML. */
export type Settings = Readonly<Record<string, string>>;

export interface Placed {
  readonly registrationId: string;
  readonly hsm: Pick<TestToken, 'module' | 'token' | 'pin'>;
  /** Where the files are that the settings name. Gateways may share them. */
  readonly files: string;
  /** State and socket of this gateway alone. */
  readonly home: string;
}

const text = (value: string): string => JSON.stringify(value);

/** Writes the PIN, the password and the CAs that a gateway of this far side needs. */
export function writeFiles(at: Endpoints, { hsm, files }: Pick<Placed, 'hsm' | 'files'>): void {
  const write = (name: string, content: string, mode: number) => writeFileSync(join(files, name), content, { mode });
  write('pin', `${hsm.pin}\n`, 0o600);
  write('est-password', at.estPassword, 0o600);
  write('est-ca.pem', at.estCaPem, 0o644);
  write('trust.pem', at.trustPem, 0o644);
}

/** What a gateway of this far side is configured with, unless a test wants it otherwise: its leaves come from EST. */
export function settingsOf(at: Endpoints, { registrationId, hsm, files, home }: Placed): Settings {
  return {
    'dps.endpoint': text(at.dps),
    'dps.id_scope': text(at.idScope),
    'dps.registration_id': text(registrationId),
    'hsm.module': text(hsm.module),
    'hsm.token': text(hsm.token),
    'hsm.pin_file': text(join(files, 'pin')),
    'leaf.issuer': text('est'),
    'issuer.est.url': text(at.est),
    'issuer.est.ca_file': text(join(files, 'est-ca.pem')),
    'issuer.est.username': text(at.estUsername),
    'issuer.est.password_file': text(join(files, 'est-password')),
    'trust.ca_file': text(join(files, 'trust.pem')),
    'state.directory': text(join(home, 'state')),
    'control.socket': text(join(home, 'control.sock')),
    'uplink.sockets': text(join(home, 'programs')),
    'limits.min_roll_interval': text('1s'),
  };
}

export const tomlOf = (settings: Settings): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('');
