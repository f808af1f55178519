import { join } from 'node:path';
import { wordsOf } from '../../roll/report.ts';
import { type Check, ok } from './check.ts';

export const stateFile: Check = {
  id: 'state-file',
  describes: 'The state file is whole, or there is none yet.',
  needs: ['configuration'],
  async look(site) {
    const { config } = await site.config();
    const entry = await site.entry();
    const path = join(config.state.directory, 'state.json');
    if (entry === 'absent') return ok(`There is no ${path}: this gateway is new, or was given up.`);
    return ok(`${path} is whole: ${wordsOf(entry.phase, config.dps.attestation)}.`);
  },
};
