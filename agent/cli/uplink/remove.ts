import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { recordOf } from '../../machine/program-directory.ts';
import { assertName } from '../../state/program-name.ts';
import { command, Failed, Misuse, type Run, textOption } from '../kit/command.ts';
import { demandTyped, type Keyboard } from '../kit/prompt.ts';
import { screenOf, wrap } from '../kit/screen.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { HERE, type Machine } from './machine.ts';
import { agreed, hasSocketPlace, removeSocketPlace } from './place.ts';
import { lossInWords } from './screen.ts';
import { askRemoval, askUplink } from './told.ts';
import { messages } from './words.ts';

const UNTOUCHED = 'Nothing was removed.';

/** `newleaf uplink remove`. @param stdin where the answer is typed */
export const uplinkRemove = (stdin: Keyboard, machine: Machine = HERE): Run =>
  command(async (args, io) => {
    const [name = ''] = args.positionals;
    assertName(name);
    const isAgreed = args.options.yes === true;
    if (!isAgreed && stdin.isTTY !== true) {
      const message = 'The question cannot be asked: stdin is no terminal.';
      throw new Misuse(message, { advice: `\`newleaf uplink remove ${name} --yes\`` });
    }
    const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
    const { sockets } = config.uplink;
    const place = daemonPlace(config, io.env);
    const isPlaced = await hasSocketPlace(name, sockets, machine.tmpfiles);
    if (isPlaced && !machine.isRoot()) {
      const message = `Only root can remove ${recordOf(name, sockets, machine.tmpfiles)}, which belongs to this program. ${UNTOUCHED}`;
      throw new Failed(message, { advice: `\`newleaf uplink remove ${name}\`` });
    }
    const program = (await askUplink(place)).programs.find((one) => one.name === name);
    const screen = screenOf(io.out, io.env);
    if (program !== undefined && !isAgreed) {
      io.out.write(`${wrap(screen, lossInWords(program)).join('\n')}\n`);
      await demandTyped(stdin, io.out, { name, what: 'name of the program', unchanged: UNTOUCHED });
    }
    // Without a program the daemon refuses, unless a removal was interrupted here.
    const removal = () => (program === undefined && isPlaced ? Promise.resolve(0) : askRemoval(place, name));
    const lost = await agreed(name, sockets, machine, removal);
    if (isPlaced) await removeSocketPlace(sockets, name, machine.tmpfiles);
    const loss = lost === 0 ? '' : ` With it ${messages(lost)} for the hub ${lost > 1 ? 'are' : 'is'} lost.`;
    io.out.write(`${wrap(screen, `The program ${name} is removed.${loss}`).join('\n')}\n`);
    return EXIT.done;
  });
