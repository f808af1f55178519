import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { ClientIdentity } from '../../simulator/ca.ts';
import type { Gateway } from './gateway.ts';

export const FACTORY_ID = 'fa';

/** Key and chain, under one CKA_ID as factories do it. */
export function importFactoryKey(
  gateway: Gateway,
  { key, cert }: Pick<ClientIdentity, 'key' | 'cert'>,
  { id = FACTORY_ID, label = 'factory' } = {},
): void {
  const { hsm } = gateway.token;
  const written = (name: string, text: string): string => {
    gateway.file(name, text, 0o600);
    return join(gateway.directory, name);
  };
  execFileSync(
    'softhsm2-util',
    [
      ...['--import', written('factory.key', key), '--id', id, '--label', label],
      ...['--token', hsm.token, '--pin', hsm.pin],
    ],
    { env: { ...process.env, ...hsm.environment }, stdio: 'pipe' },
  );
  for (const [index, pem] of (cert.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).entries()) {
    const object = ['--write-object', written(`factory-${index}.pem`, pem), '--type', 'cert'];
    gateway.token.ask(...object, '--id', id, '--label', label);
  }
}
