import { stat } from 'node:fs/promises';
import { configPath, type LoadedConfig, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { Fault } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import { daemonAccount } from '../../machine/as-daemon.ts';
import type { Numbered, ProgramDirectory } from '../../machine/program-directory.ts';
import { assertName } from '../../state/program-name.ts';
import { command, Misuse, type Run, textOption } from '../kit/command.ts';
import { screenOf, wrap } from '../kit/screen.ts';
import { groupOf, groupWith, HERE, type Machine, sharingGroup } from './machine.ts';
import { pasteText } from './paste.ts';
import { makeSocketPlace } from './place.ts';
import { type Changes, termsIn } from './terms.ts';
import { askShown, askUplink, type ShownProgram } from './told.ts';

interface Wish {
  readonly name: string;
  readonly group: string | undefined;
  readonly withKey: boolean;
  /** A new key for a program that is there. */
  readonly isAgain: boolean;
  readonly asked: { readonly terms?: Changes };
}

/** `newleaf uplink add`: root makes the directory of the socket, the daemon makes all else. */
export const uplinkAdd = (machine: Machine = HERE): Run =>
  command(async (args, io) => {
    const [name = ''] = args.positionals;
    assertName(name);
    const wish = {
      name,
      group: textOption(args, 'group'),
      withKey: args.options.key === true,
      isAgain: args.options.again === true,
      asked: termsIn(args),
    };
    assertPossible(wish, machine);
    const loaded = loadConfig(configPath(textOption(args, 'config'), io.env));
    const shown = await added(wish, loaded, machine);
    const group = 'socket' in shown ? sharingGroup(shown.socket, machine) : undefined;
    const screen = screenOf(io.out, io.env);
    const said = wrap(screen, `The program ${name} is added. \`newleaf uplink show ${name}\` prints this again.`);
    io.out.write(`${said.join('\n')}\n\n${pasteText(shown, screen, group)}`);
    return EXIT.done;
  });

/** @throws Misuse */
function assertPossible({ name, group, withKey, isAgain, asked }: Wish, machine: Machine): void {
  if (isAgain && !withKey) throw new Misuse('--again makes a new key: it goes with --key.');
  if (isAgain && asked.terms !== undefined) throw new Misuse('--again makes a new key, and changes no bound.');
  if (group === undefined) return;
  if (withKey) throw new Misuse('A program with a key has no socket: --key and --group exclude each other.');
  if (machine.isContained) {
    const message = 'A container knows no group of others: its engine gives them the group of the socket, by number.';
    const advice = `\`newleaf uplink add ${name}\` prints how the container of the program gets it.`;
    throw new Misuse(message, { advice });
  }
  if (machine.isRoot()) return;
  const advice = `\`newleaf uplink add ${name} --group ${group}\``;
  throw new Misuse('Only root can give a socket to a group.', { advice });
}

/** @throws Fault of the daemon; then nothing is left of what root has made here for a new program */
async function added(
  { name, group, withKey, isAgain, asked }: Wish,
  loaded: LoadedConfig,
  machine: Machine,
): Promise<ShownProgram> {
  if (isAgain) return askShown(loaded.config, { add: name, key: true, again: true });
  const wanted = group === undefined ? undefined : groupOf(group, machine);
  const { programs } = await askUplink(loaded.config);
  const known = programs.find((one) => one.name === name);
  // The daemon refuses a name that is taken. Its socket may need another directory, where it could not be opened.
  const isMended = known?.trouble?.code === 'NL-UPLINK-SOCKET';
  const isPlaced = machine.isRoot() && !machine.isContained && !withKey && (known === undefined || isMended);
  const undo = isPlaced ? await placed(name, wanted, loaded, machine) : undefined;
  try {
    return await askShown(loaded.config, { add: name, key: withKey, ...asked });
  } catch (error) {
    if (known === undefined && (await isAbsent(loaded, name))) await undo?.();
    if (undo === undefined || !isMended || failureOf(error).code !== 'NL-UPLINK-PROGRAM') throw error;
    const message = `The directory for the socket of ${name} is right now. The daemon opens the socket within a minute, or when it starts.`;
    throw new Fault('NL-UPLINK-SOCKET', { message, advice: '`systemctl restart newleaf`' });
  }
}

/** Where the daemon has not answered, it may have added the program. What is not known for sure is not undone. */
async function isAbsent({ config }: LoadedConfig, name: string): Promise<boolean> {
  const told = await askUplink(config).catch(() => undefined);
  return told?.programs.every((one) => one.name !== name) ?? false;
}

async function placed(program: string, wanted: Numbered | undefined, loaded: LoadedConfig, machine: Machine) {
  const { owner, ownGroup } = await holders(loaded, machine);
  const { sockets } = loaded.config.uplink;
  return makeSocketPlace({ program, sockets, owner, ownGroup, group: wanted ?? ownGroup }, machine.tmpfiles);
}

/** User and group of the daemon: of the unit's, or else of the one that has made the socket of the commands. */
async function holders(
  { file, config }: LoadedConfig,
  machine: Machine,
): Promise<Pick<ProgramDirectory, 'owner' | 'ownGroup'>> {
  const account = daemonAccount(file, config);
  if (account !== undefined) {
    return { owner: { id: account.uid, name: account.name }, ownGroup: groupWith(account.gid, machine) };
  }
  const { uid, gid } = await stat(config.control.socket);
  return { owner: { id: uid, name: String(uid) }, ownGroup: groupWith(gid, machine) };
}
