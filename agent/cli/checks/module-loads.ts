import { type Check, ok, x509 } from './check.ts';

export const moduleLoads: Check = {
  id: 'module-loads',
  describes: 'The PKCS#11 module can be loaded and initialised.',
  of: 'x509',
  needs: ['configuration'],
  async look(site) {
    const { module } = (await x509(site)).hsm;
    await site.loadModule();
    return ok(`${module} loads.`);
  },
};
