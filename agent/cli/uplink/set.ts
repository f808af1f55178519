import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { assertName } from '../../state/program-name.ts';
import { command, Misuse, textOption } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { TERMS } from '../table-uplink.ts';
import { programBlock } from './screen.ts';
import { termsIn } from './terms.ts';
import { askShown } from './told.ts';

/** `newleaf uplink set` */
export const run = command(async (args, io) => {
  const [name = ''] = args.positionals;
  assertName(name);
  const { terms } = termsIn(args);
  if (terms === undefined) throw new Misuse(`What is to be set? --${Object.keys(TERMS).join(', --')}.`);
  const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
  const shown = await askShown(config, { set: name, terms });
  io.out.write(programBlock(shown, io.now(), config.state.directory, screenOf(io.out, io.env)));
  return EXIT.done;
});
