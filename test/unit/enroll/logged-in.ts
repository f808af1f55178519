import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bearerToken } from '../../simulator/rest/bearer.ts';

/** A field of a connection string. */
export const field = (connection: string, name: string): string =>
  new RegExp(`${name}=([^;]+)`).exec(connection)?.[1] ?? '';

/** The environment of a person whose `az` is this shell script. */
export function withAz(directory: string, script: string): NodeJS.ProcessEnv {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'az'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${bin}:/usr/bin:/bin`, HOME: directory };
}

/** A line of shell that prints a token, as `az account get-access-token` does. */
export function token(connection: string, audience: string, until: number): string {
  const accessToken = bearerToken({ key: field(connection, 'SharedAccessKey') }, audience, until);
  return `echo '${JSON.stringify({ accessToken, expires_on: Math.trunc(until / 1_000), tokenType: 'Bearer' })}'`;
}
