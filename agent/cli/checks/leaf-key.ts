import { verify, X509Certificate } from 'node:crypto';
import { type Check, currentLeaf, failed, NO_LEAF, ok } from './check.ts';

const LOST = 'Is it the right token (hsm.token, hsm.uri)? If its key is lost: `newleaf roll --wait` makes another.';

export const leafKey: Check = {
  id: 'leaf-key',
  describes: "The current leaf's key is in the token, and can be used.",
  of: 'x509',
  needs: ['pin', 'state-file'],
  async look(site) {
    const current = await currentLeaf(site);
    if (current === undefined) return NO_LEAF;
    const { key, chain } = current;
    const token = await site.token();
    const found = await token.findById(key.id);
    if (found === undefined) {
      const message = `Token "${token.name.label}" has no key with the id ${key.id} (slot ${key.slot}).`;
      return failed('NL-TOKEN-KEY', message, LOST);
    }
    const { publicKey } = new X509Certificate(chain);
    if (!publicKey.export({ type: 'spki', format: 'der' }).equals(found.spki)) {
      return failed('NL-TOKEN-KEY', `The key "${found.label}" is not that of the current leaf.`, LOST);
    }
    const message = Buffer.from('newleaf check');
    const { digestOf } = await import('../../../hsm/sign.ts');
    const signature = await token.sign(found, message);
    if (verify(digestOf(found.keyType), message, publicKey, signature))
      return ok(`The key "${found.label}" signs for the current leaf.`);
    return failed('NL-TOKEN-FAILED', `Signatures of the key "${found.label}" do not verify.`);
  },
};
