import { x509Of } from '../../config.ts';
import { type Check, ok } from './check.ts';

export const moduleLoads: Check = {
  id: 'module-loads',
  describes: 'The PKCS#11 module can be loaded and initialised.',
  needs: ['configuration'],
  async look(site) {
    await site.loadModule();
    return ok(`${x509Of((await site.config()).config).hsm.module} loads.`);
  },
};
