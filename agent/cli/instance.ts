import { type Config, configPath, DEFAULT_PATH, instanceOf, loadConfig } from '../config/config.ts';
import { configurationOf, isInstanceName } from '../config/instance.ts';
import { namesHere } from '../config/neighbours.ts';
import { needsNoPerson } from '../config/terms.ts';
import { byPerson } from '../failure/by-person.ts';
import { DAEMON, localAccount } from '../machine/account.ts';
import { namingIn } from '../machine/naming.ts';
import { rewritten } from '../machine/printed.ts';
import { readerOf, sudoFor } from './entitled.ts';
import { command, Misuse, type Run, textOption } from './kit/command.ts';
import type { ParsedArguments } from './kit/parse.ts';
import { type Output, type Screen, wrap } from './kit/screen.ts';

/** The command with `--instance NAME`, and with texts that name that daemon, and sudo where the reader needs it. */
export const forInstance = (work: Run): Run =>
  command(async (args, io) => {
    const chosen = { ...args, options: { ...args.options, ...configOf(args) } };
    const { name, hasUnit } = instanceOf(configPath(textOption(chosen, 'config'), io.env));
    const reader = readerOf(io.env, hasUnit ? localAccount(DAEMON) : undefined);
    const env = name === undefined ? io.env : { ...io.env, NEWLEAF_CONFIG: configurationOf(name) };
    const named = namingIn(env);
    const entitled = sudoFor(reader, !hasUnit);
    const advised = forIssuer(() => loadConfig(configPath(textOption(chosen, 'config'), io.env)).config);
    const printed = (output: Output) => rewriting(output, (text) => rewritten(named(advised(text)), entitled));
    return work(chosen, { ...io, env, out: printed(io.out), err: printed(io.err) });
  });

/** Reads the configuration for a text that advises a roll, and for no other. */
export const forIssuer = (config: () => Config) => (text: string) => {
  const told = byPerson(text);
  if (told === text) return text;
  try {
    const read = config();
    return 'tpm' in read || needsNoPerson(read.issuer) ? text : told;
  } catch {
    return text;
  }
};

/** @throws Misuse */
function configOf(args: ParsedArguments): { readonly config?: string } {
  const name = textOption(args, 'instance');
  if (name === undefined) return {};
  if (textOption(args, 'config') !== undefined) throw new Misuse('--instance and --config exclude each other.');
  if (isInstanceName(name)) return { config: configurationOf(name) };
  const given = JSON.stringify(name);
  throw new Misuse(`--instance ${given} must be 1 to 28 letters, digits, - and _, and not newleaf itself.`);
}

/** @param rewrite text for people, which screens ask for; what is written for programs stays as it is */
function rewriting(output: Output, rewrite: (text: string) => string): Output {
  return {
    write: (text) => output.write(text),
    get isTTY() {
      return output.isTTY === true;
    },
    get columns() {
      return output.columns;
    },
    get rows() {
      return output.rows;
    },
    on: (event, listener) => output.on?.(event, listener),
    rewrite,
  };
}

/** For the status of the daemon without a name: how the others of this gateway are asked. '' where there are none. */
export function othersInWords(file: string, screen: Screen): string {
  const names = file === DEFAULT_PATH ? namesHere() : [];
  if (names.length === 0) return '';
  const commands = names.map((name) => `\`newleaf --instance ${name} status\``).join(', ');
  return `\n${wrap(screen, `Also on this gateway: ${commands}`).join('\n')}\n`;
}
