import { instanceOf } from '../../config/config.ts';
import { localAccount } from '../../machine/account.ts';
import { DAEMON } from '../../machine/as-daemon.ts';
import { rewriting } from '../instance.ts';
import type { Io } from '../kit/command.ts';

/** What only root may call, or members of the group: a technician is neither, and has come here with sudo. */
const COMMAND =
  /(?<!\bsudo\s+|[\w/.-])(newleaf(?:\s+--instance\s+\S+)?\s+(?:init|status|check|roll|reprovision|install|csr)\b(?!\s+--help)|systemctl\s+(?:start|stop|restart|enable|disable)\b)/g;

/** The same text, with `sudo` before each command that needs it. Such a text stays as it is. */
export const withSudo = (text: string): string => text.replace(COMMAND, 'sudo $1');

/** What init prints about the daemon of this gateway; with a configuration elsewhere, the caller needs no other rights. */
export function asTechnician(file: string, io: Io): Io {
  if (!instanceOf(file).hasUnit || localAccount(DAEMON) === undefined) return io;
  return { ...io, out: rewriting(io.out, withSudo), err: rewriting(io.err, withSudo) };
}
