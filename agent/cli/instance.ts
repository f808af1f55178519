import { type Config, configPath, DEFAULT_PATH, instanceOf, loadConfig } from '../config/config.ts';
import { configurationOf, isInstanceName } from '../config/instance.ts';
import { namesHere } from '../config/neighbours.ts';
import { needsNoPerson } from '../config/terms.ts';
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
    const isByPerson = () => isPersonNeeded(() => loadConfig(configPath(textOption(chosen, 'config'), io.env)).config);
    const rewrite = (text: string) => rewritten(named(text), entitled);
    const printed = (output: Output) => forPerson(output, { rewrite, isByPerson });
    return work(chosen, { ...io, env, out: printed(io.out), err: printed(io.err) });
  });

/** Whether a person brings the leaves, as far as the configuration can be read. */
export function isPersonNeeded(config: () => Config): boolean {
  try {
    const read = config();
    return !('tpm' in read) && !needsNoPerson(read.issuer);
  } catch {
    return false;
  }
}

/** @throws Misuse */
function configOf(args: ParsedArguments): { readonly config?: string } {
  const name = textOption(args, 'instance');
  if (name === undefined) return {};
  if (textOption(args, 'config') !== undefined) throw new Misuse('--instance and --config exclude each other.');
  if (isInstanceName(name)) return { config: configurationOf(name) };
  const given = JSON.stringify(name);
  throw new Misuse(`--instance ${given} must be 1 to 28 letters, digits, - and _, and not newleaf itself.`);
}

/** Texts for people, which screens ask for; what is written for programs stays as it is. */
function forPerson(output: Output, told: Pick<Output, 'rewrite' | 'isByPerson'>): Output {
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
    ...told,
  };
}

/** For the status of the daemon without a name: how the others of this gateway are asked. '' where there are none. */
export function othersInWords(file: string, screen: Screen): string {
  const names = file === DEFAULT_PATH ? namesHere() : [];
  if (names.length === 0) return '';
  const commands = names.map((name) => `\`newleaf --instance ${name} status\``).join(', ');
  return `\n${wrap(screen, `Also on this gateway: ${commands}`).join('\n')}\n`;
}
