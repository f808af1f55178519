import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { assertName } from '../../state/program-name.ts';
import { command, type Run, textOption } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { HERE, type Machine, sharingGroup } from './machine.ts';
import { pasteText } from './paste.ts';
import { programBlock } from './screen.ts';
import { askShown } from './told.ts';
import { isLasting } from './words.ts';

/** `newleaf uplink show` */
export const uplinkShow = (machine: Machine = HERE): Run =>
  command(async (args, io) => {
    const [name = ''] = args.positionals;
    assertName(name);
    const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
    const shown = await askShown(daemonPlace(config, io.env), { show: name });
    if (args.options.json === true) io.out.write(`${JSON.stringify({ schema: 1, ...shown })}\n`);
    else {
      const screen = screenOf(io.out, io.env);
      const group = sharingGroup(shown, machine);
      io.out.write(`${programBlock(shown, io.now(), config.state.directory, screen)}\n`);
      io.out.write(pasteText(shown, screen, group));
    }
    return isLasting(shown) ? EXIT.failed : EXIT.done;
  });
