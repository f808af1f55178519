import { type Check, ok } from './check.ts';

export const configuration: Check = {
  id: 'configuration',
  describes: 'The configuration is complete, and every value makes sense.',
  needs: [],
  async look(site) {
    const { file, effective } = await site.config();
    return ok(`${file} is in order, with ${effective.filter(({ line }) => line !== undefined).length} settings.`);
  },
};
