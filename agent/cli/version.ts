import { EXIT } from '../failure/exit.ts';
import { builtAt, version } from '../machine/build.ts';
import { command } from './kit/command.ts';

/** One line, complete for a bug report. */
export function versionLine(name: string): string {
  const built = builtAt === 0 ? 'from its sources' : `built ${new Date(builtAt).toISOString().slice(0, 10)}`;
  return `${name} ${version} (${built}; node ${process.version}, OpenSSL ${process.versions.openssl}, ${process.arch})\n`;
}

/** `newleaf version` */
export const run = command(async (_, io) => {
  io.out.write(versionLine('newleaf'));
  return EXIT.done;
});
