import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../../failure/failure.ts';
import { inGivenPlace } from '../../machine/given-file.ts';

/**
 * Writes the bundle, and overwrites nothing. The user who called sudo becomes its owner, and can send it, where that user can make
 * files: one in /etc/cron.d would be a right that sudo did not give.
 * @throws Fault NL-STATE-WRITE
 */
export async function keep(path: string, content: Buffer, { SUDO_UID, SUDO_GID }: NodeJS.ProcessEnv): Promise<void> {
  try {
    await inGivenPlace(path, async (held) => {
      const file = await open(held, 'wx', 0o600);
      try {
        await file.writeFile(content);
        const { uid, mode } = await stat(dirname(held));
        const isTheirs = String(uid) === SUDO_UID || (mode & 0o002) !== 0;
        if (process.geteuid?.() === 0 && SUDO_UID !== undefined && isTheirs)
          await file.chown(Number(SUDO_UID), Number(SUDO_GID));
      } finally {
        await file.close();
      }
    });
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const message = isThere
      ? `${path} is there already, and the bundle overwrites nothing.`
      : `The bundle cannot be written to ${path}.`;
    const advice = `Name ${isThere ? 'a new file' : 'another place'}: \`newleaf support-bundle -o FILE\``;
    throw new Fault('NL-STATE-WRITE', { message, advice, ...(!isThere && { cause }) });
  }
}
