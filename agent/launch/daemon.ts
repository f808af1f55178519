import type { Contents } from './load.ts';
import { program } from './program.ts';

/** What a unit runs. */
export default {
  begin() {
    program({ run: async (passage) => (await import('../cli/run/command.ts')).run(passage) }, {});
  },
  async rehearse() {
    const [{ OF_START }] = await Promise.all([import('../rehearsal/parts.ts'), import('../assembly/x509.ts')]);
    const { playStart } = await import('../rehearsal/play.ts');
    await playStart(OF_START);
  },
} satisfies Contents;
