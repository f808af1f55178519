import { configPath, loadConfig } from '../../config/config.ts';
import type { OutcomeStatus } from '../../roll/report.ts';
import { command, textOption } from '../kit/command.ts';
import { pursue } from './pursue.ts';

/** `newleaf reprovision` and `newleaf roll` */
export const run = command(async (args, io) => {
  const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
  const body = args.options.discard === true ? { discard: true } : {};
  return pursue({ path: `/v1/${args.command}`, body, orElse: ACTIONS[args.command] }, args, config, io);
});

const ACTIONS: Readonly<Record<string, OutcomeStatus['action']>> = { reprovision: 're-register', roll: 'roll' };
