import { rewritten } from '../../../agent/machine/printed.ts';

/** The commands that a text marks, without sudo. */
export function commandsIn(text: string): readonly string[] {
  const found: string[] = [];
  rewritten(text, (command) => {
    found.push([command.program, ...command.args].join(' '));
    return command;
  });
  return found;
}

/** These look, and change nothing. A path stands for itself. */
const LOOKS =
  /^(?:newleaf (?:status|check|help|config|tpm|support-bundle|uplink (?:list|show)|init --help)\b|newleaf --instance \S+ status$|systemctl (?:status|cat) |journalctl |docker (?:logs|exec) |pkcs11-tool .*-[LO]\b|tpm2_getcap |timedatectl$|dpkg -V |dmesg$|(?:df|ss|ls|fuser) |\/)/;

export const looks = (command: string): boolean => LOOKS.test(command);
