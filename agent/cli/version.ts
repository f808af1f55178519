import { EXIT } from '../failure/exit.ts';
import { builtAt, version } from '../machine/build.ts';
import { command } from './kit/command.ts';

/** `newleaf version`: one line, complete for a bug report. */
export const run = command(async (_, io) => {
  const built = builtAt === 0 ? 'from its sources' : `built ${new Date(builtAt).toISOString().slice(0, 10)}`;
  io.out.write(
    `newleaf ${version} (${built}; node ${process.version}, OpenSSL ${process.versions.openssl}, ${process.arch})\n`,
  );
  return EXIT.done;
});
