import { X509Certificate } from 'node:crypto';
import { linkUp } from '../../issuer/chain.ts';
import { issuerOf, named, validityOf } from '../../issuer/name.ts';
import { certificatesOf } from '../../issuer/pem.ts';
import { localDay } from '../moment.ts';
import { type Check, currentLeaf, failed, NO_LEAF, ok, warning } from './check.ts';

/**
 * The chain sent to DPS links up by signature, and every part is valid. Only DPS knows which CA is enrolled: the check names
 * the one that is not sent.
 */
export const chain: Check = {
  id: 'chain',
  describes: 'The leaf and its intermediates link up, and none of them has expired.',
  of: 'x509',
  needs: ['state-file', 'clock'],
  async look(site) {
    const current = await currentLeaf(site);
    if (current === undefined) return NO_LEAF;
    const [leaf, ...others] = certificatesOf(current.chain).map((der) => new X509Certificate(der));
    if (leaf === undefined) return failed('NL-LEAF-PARSE', 'The current leaf cannot be read.');
    const sent = linkUp(leaf, others, site.now).chain;
    const last = sent.at(-1) ?? leaf;
    const early = sent.find((one) => validityOf(one).notAfter < current.notAfter);
    if (early !== undefined) {
      const until = localDay(validityOf(early).notAfter);
      const message = `The intermediate ${named(early)} ends on ${until}, before the leaf.`;
      return warning(message, 'Operator of the CA: renew the intermediate before that day, and enroll it in DPS.');
    }
    const intermediates = sent.length - 1;
    const beside =
      intermediates === 0 ? 'no intermediate' : `${intermediates} intermediate${intermediates === 1 ? '' : 's'}`;
    return ok(`The leaf is sent with ${beside}. DPS must know the leaf, one of these, or "${issuerOf(last)}".`);
  },
};
