import { version as here } from '../../machine/build.ts';
import { type Check, ok, warning } from './check.ts';

export const version: Check = {
  id: 'version',
  describes: 'The daemon runs the installed version.',
  needs: ['socket'],
  async look(site) {
    const { version: running } = await site.status();
    if (running === here)
      return ok(`newleaf ${here}, Node ${process.versions.node}, OpenSSL ${process.versions.openssl}.`);
    return warning(`The daemon runs ${running}, and ${here} is installed.`, 'systemctl restart newleaf');
  },
};
