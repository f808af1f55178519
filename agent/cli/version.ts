import { EXIT } from '../failure/exit.ts';
import { builtAt, version } from '../machine/build.ts';
import { command } from './kit/command.ts';

const built = builtAt === 0 ? undefined : new Date(builtAt).toISOString().slice(0, 10);
const { openssl } = process.versions;

/** One line, complete for a bug report. */
export function versionLine(name: string): string {
  const made = built === undefined ? 'from its sources' : `built ${built}`;
  return `${name} ${version} (${made}; node ${process.version}, OpenSSL ${openssl}, ${process.arch})\n`;
}

/** `newleaf version` */
export const run = command(async ({ options }, io) => {
  const told = { version, built, node: process.version, openssl, architecture: process.arch };
  io.out.write(options.json === true ? `${JSON.stringify(told)}\n` : versionLine('newleaf'));
  return EXIT.done;
});
