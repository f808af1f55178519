import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { command, textOption } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { renderPrograms } from './screen.ts';
import { askUplink } from './told.ts';
import { isLasting } from './words.ts';

/** `newleaf uplink list` */
export const run = command(async (args, io) => {
  const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
  const told = await askUplink(daemonPlace(config, io.env));
  const now = io.now();
  if (args.options.json === true) {
    io.out.write(`${JSON.stringify({ schema: 1, at: new Date(now).toISOString(), ...told })}\n`);
  } else io.out.write(renderPrograms(told, now, config.state.directory, screenOf(io.out, io.env)));
  return told.programs.some(isLasting) ? EXIT.failed : EXIT.done;
});
