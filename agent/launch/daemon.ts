import type { Contents } from './load.ts';
import { program } from './program.ts';

/** What a unit runs. */
export default {
  begin() {
    program({ run: async (passage) => (await import('../cli/run/command.ts')).run(passage) }, {});
  },
  async rehearse() {
    await Promise.all([import('../cli/run/command.ts'), import('../assembly/x509.ts')]);
  },
} satisfies Contents;
