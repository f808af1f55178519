import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { assertName } from '../../state/program-name.ts';
import { command, type Run, textOption } from '../kit/command.ts';
import { screenOf, wrap } from '../kit/screen.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { HERE, type Machine } from './machine.ts';
import { agreed } from './place.ts';
import { askForgotten } from './told.ts';
import { messages } from './words.ts';

/** `newleaf uplink forget` */
export const uplinkForget = (machine: Machine = HERE): Run =>
  command(async (args, io) => {
    const [name = ''] = args.positionals;
    assertName(name);
    const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
    const ask = () => askForgotten(daemonPlace(config, io.env), name);
    const { sessions, messages: dropped } = await agreed(name, config.uplink.sockets, machine, ask);
    const ended =
      sessions === 0
        ? 'No session of a client that is away was there'
        : `Ended: ${sessions === 1 ? '1 session' : `${sessions} sessions`} of clients that are away`;
    const said = `${name}: ${ended}. Dropped: ${messages(dropped)} from the cloud.`;
    io.out.write(`${wrap(screenOf(io.out, io.env), said).join('\n')}\n`);
    return EXIT.done;
  });
