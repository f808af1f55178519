import { type Check, ok } from './check.ts';

export const socket: Check = {
  id: 'socket',
  describes: 'The daemon runs, and answers on its socket.',
  needs: ['configuration'],
  async look(site) {
    const { words, online, version } = await site.status();
    return ok(`The daemon (${version}) runs: ${words}, ${online ? 'online' : 'offline'}.`);
  },
};
