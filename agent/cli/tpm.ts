import { existsSync } from 'node:fs';
import { configPath, loadConfig } from '../config/config.ts';
import { EXIT } from '../failure/exit.ts';
import { enrollCommand, readEndorsement, renderEndorsement } from './endorsement.ts';
import { command, type Run, textOption } from './kit/command.ts';
import { screenOf } from './kit/screen.ts';

/**
 * `newleaf tpm`: the data that DPS needs of this TPM. It works without a configuration, because the enrollment may come first.
 */
export const run: Run = command(async (args, { env, out }) => {
  const file = configPath(textOption(args, 'config'), env);
  const isNamed = textOption(args, 'config') !== undefined || existsSync(file);
  const endorsement = await readEndorsement(isNamed ? loadConfig(file).config : undefined);
  out.write(
    args.options.json === true
      ? `${JSON.stringify({ schema: 1, ...endorsement, command: enrollCommand(endorsement) })}\n`
      : renderEndorsement(endorsement, screenOf(out, env)),
  );
  return EXIT.done;
});
