import { type Check, ok } from './check.ts';

export const tlsEngine: Check = {
  id: 'tls-engine',
  describes: "OpenSSL's PKCS#11 engine is installed, so that TLS can use a key in the token.",
  of: 'x509',
  needs: ['configuration'],
  async look(site) {
    await site.prepareEngine();
    return ok('The PKCS#11 engine of OpenSSL is installed.');
  },
};
