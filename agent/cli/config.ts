import { configPath, loadConfig, printConfig } from '../config/config.ts';
import { EXIT } from '../failure/exit.ts';
import { command, textOption } from './kit/command.ts';

/** `newleaf config`: what is in effect, and where each value comes from. */
export const run = command(async (args, io) => {
  const { file, effective } = loadConfig(configPath(textOption(args, 'config'), io.env));
  io.out.write(printConfig(effective, file));
  return EXIT.done;
});
