import { configPath, loadConfig, printConfig } from '../config/config.ts';
import { EXIT } from '../failure/exit.ts';
import { command, textOption } from './kit/command.ts';
import { type Screen, screenOf, wrap } from './kit/screen.ts';

/** `newleaf config`: what is in effect, and where each value comes from. */
export const run = command(async (args, { out, env }) => {
  const { file, effective } = loadConfig(configPath(textOption(args, 'config'), env));
  const printed = printConfig(effective, file);
  out.write(out.isTTY === true ? fitted(printed, screenOf(out, env)) : printed);
  return EXIT.done;
});

/** Comments take the place below their setting where they do not fit beside it: it is TOML at every width. */
const fitted = (toml: string, screen: Screen): string =>
  toml.replace(/^.+$/gm, (line) => {
    if (line.length <= screen.width) return line;
    // The last one on its line: a value may hold the sign, too.
    const at = line.lastIndexOf('# ');
    const [setting, comment] = [line.slice(0, at).trimEnd(), line.slice(at + 2)];
    if (setting === '') return wrap(screen, comment, { first: '# ', rest: '#   ' }).join('\n');
    return [setting, ...wrap(screen, comment, { first: '  # ' })].join('\n');
  });
