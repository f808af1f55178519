import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { assertName } from '../../state/program-name.ts';
import { command, Misuse, type Run, textOption } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { TERMS } from '../table-uplink.ts';
import { HERE, type Machine } from './machine.ts';
import { agreed } from './place.ts';
import { programBlock } from './screen.ts';
import { termsIn } from './terms.ts';
import { askShown } from './told.ts';

/** `newleaf uplink set` */
export const uplinkSet = (machine: Machine = HERE): Run =>
  command(async (args, io) => {
    const [name = ''] = args.positionals;
    assertName(name);
    const { terms } = termsIn(args);
    if (terms === undefined) throw new Misuse(`What is to be set? --${Object.keys(TERMS).join(', --')}.`);
    const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
    const ask = () => askShown(daemonPlace(config, io.env), { set: name, terms });
    const shown = await agreed(name, config.uplink.sockets, machine, ask);
    io.out.write(programBlock(shown, io.now(), config.state.directory, screenOf(io.out, io.env)));
    return EXIT.done;
  });
