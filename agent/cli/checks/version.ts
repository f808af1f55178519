import { version as here } from '../../machine/build.ts';
import { type Check, ok, warning } from './check.ts';

export const version: Check = {
  id: 'version',
  describes: 'The daemon is of the version that is installed.',
  needs: ['socket'],
  async look(site) {
    const { version: running } = await site.status();
    if (running === here)
      return ok(`newleaf ${here}, Node ${process.versions.node}, OpenSSL ${process.versions.openssl}.`);
    return warning(`The daemon is ${running}, and what is installed is ${here}.`, 'systemctl restart newleaf');
  },
};
