/** A command in a text for a person: to texts it is a value, and nothing else of them is ever taken for a command. */
export interface PrintedCommand {
  readonly sudo: boolean;
  /** Its name; or a path of this gateway, which stands for itself. */
  readonly program: string;
  readonly args: readonly string[];
}

/** The command for this gateway, or this reader. The same object where there is nothing to change. */
export type Rewriting = (command: PrintedCommand) => PrintedCommand;

/**
 * Texts mark a command by backticks: an advice may travel as JSON from the daemon to a screen, so the mark is in the text. Words of
 * others have none (failure/foreign.ts).
 */
const MARKED = /`((?:sudo\s+)?[a-z][\w-]*(?:\s[^`]*)?|\/[^`\s]+)`/g;

/** A text with each of its commands changed. Commands are told apart here, and nowhere else. */
export const rewritten = (text: string, change: Rewriting): string =>
  text.replace(MARKED, (found, inner: string) => {
    const command = parsed(inner);
    const changed = change(command);
    return changed === command ? found : `\`${lineOf(changed)}\``;
  });

function parsed(text: string): PrintedCommand {
  const words = text.trim().split(/\s+/);
  const sudo = words[0] === 'sudo' && words.length > 1;
  const [program = '', ...args] = sudo ? words.slice(1) : words;
  return { sudo, program, args };
}

const lineOf = ({ sudo, program, args }: PrintedCommand): string =>
  [...(sudo ? ['sudo'] : []), program, ...args].join(' ');
