import { dirname } from 'node:path';
import { opening } from '../../config/closed.ts';
import type { Config, LoadedConfig } from '../../config/config.ts';
import type { Code } from '../../failure/failure.ts';
import type { Site } from '../proof/site.ts';
import { type Finding, failed } from './check.ts';

type Secret = readonly [code: 'NL-TOKEN-PIN-FILE' | 'NL-CONFIG', what: string, path: string | undefined];

export function secretFiles(config: Config): readonly Secret[] {
  const proxy: Secret = ['NL-CONFIG', 'the password of the proxy', config.network.proxy_password_file];
  if ('tpm' in config) return [proxy];
  const { hsm, issuer } = config;
  const pin: Secret = ['NL-TOKEN-PIN-FILE', 'the PIN', hsm.pin_file];
  if (issuer.kind !== 'est') return [pin, proxy];
  const { password_file, bootstrap_key } = issuer;
  const keyFile = bootstrap_key?.startsWith('pkcs11:') ? undefined : bootstrap_key;
  const password: Secret = ['NL-CONFIG', 'the password of the EST server', password_file];
  return [pin, proxy, password, ['NL-CONFIG', 'the bootstrap key', keyFile]];
}

/** A secret is the daemon's alone, as `init` keeps it: technicians are in the daemon's group. */
export const secretOf = (user: string, path: string): string =>
  `\`chown ${user} ${path}\`, then \`chmod 0600 ${path}\``;

/** A file that the daemon's user may not read. No advice gives the daemon a file, other than a secret, that it only reads. */
export async function closedTo(user: string, site: Site, file: string, code: Code): Promise<Finding> {
  const loaded = await site.config();
  const closed = site.closedOn(file) ?? { path: file, isPassage: false };
  const way = closed.isPassage ? `: ${closed.path} is closed to it` : '';
  return failed(code, `The user ${user} may not read ${file}${way}.`, adviceFor(user, closed, loaded));
}

function adviceFor(user: string, closed: Parameters<typeof opening>[0], { file, config }: LoadedConfig): string {
  const { path, isPassage } = closed;
  const { directory } = config.state;
  if (path === directory) return `\`chown -R ${user}: ${path}\``;
  if (path.startsWith(`${directory}/`)) return `\`chown ${user}: ${path}\``;
  const isSecret = secretFiles(config).some(([, , secret]) => secret === path);
  return isSecret && !isPassage ? secretOf(user, path) : opening(closed, dirname(file), directory);
}
