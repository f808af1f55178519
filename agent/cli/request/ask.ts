import { configPath, loadConfig } from '../../config/config.ts';
import type { OutcomeStatus } from '../../roll/report.ts';
import { command, textOption } from '../kit/command.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { pursue } from './pursue.ts';

/** `newleaf reprovision` and `newleaf roll` */
export const run = command(async (args, io) => {
  const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
  const orElse = ACTIONS[args.command];
  const wish = { path: `/v1/${args.command}`, body: bodyOf(args), isWaiting: args.options.wait === true };
  return pursue({ ...wish, ...(orElse !== undefined && { orElse }) }, config, io);
});

const ACTIONS: Readonly<Record<string, OutcomeStatus['action']>> = { reprovision: 're-register', roll: 'roll' };

function bodyOf(args: ParsedArguments): object {
  const id = textOption(args, 'id');
  return { ...(id !== undefined && { id }), ...(args.options.discard === true && { discard: true }) };
}
