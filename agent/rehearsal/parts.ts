import { foundationOf } from '../assembly/foundation.ts';
import { start } from '../cli/run/command.ts';
import { loadConfig } from '../config/config.ts';
import { Daemon } from '../daemon/daemon.ts';
import { createHub } from '../hub/session.ts';
import { createLog } from '../machine/log.ts';

/** What a start calls, of the file of the program that loads this. */
export const OF_START = { foundationOf, start, loadConfig, Daemon, createHub, createLog };
export type Parts = typeof OF_START;
