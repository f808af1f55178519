import { TOKEN_JOBS } from '../../hsm/jobs.ts';
import type { Contents } from './load.ts';
import { type Commands, program, rehearsed } from './program.ts';

const COMMANDS = {
  status: async () => (await import('../cli/status/command.ts')).run,
  version: async () => (await import('../cli/version.ts')).run,
} satisfies Partial<Commands>;

/** What is called often: by people, by programs that look after a gateway, and in each roll. */
export default {
  begin: () => program(COMMANDS, TOKEN_JOBS),
  async rehearse() {
    await rehearsed(COMMANDS, ['help'], ['version'], ['status', '--config', '/newleaf/none']);
    await Promise.all([TOKEN_JOBS.destroy?.(), TOKEN_JOBS.token?.()]);
  },
} satisfies Contents;
