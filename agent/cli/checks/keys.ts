import type { Protection } from '../../../hsm/key-pair.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { x509Of } from '../../config.ts';
import { type Check, ok, warning } from './check.ts';

/** What is in our two slots and at `hsm.key`, and how well the token protects it. */
export const keys: Check = {
  id: 'keys',
  describes: 'The private keys never leave the token.',
  needs: ['pin'],
  async look(site) {
    const { hsm } = x509Of((await site.config()).config);
    const token = await site.token();
    const labels = ['a', 'b'].map((slot) => `${hsm.label_prefix}-${slot}`);
    const ours = await Promise.all(labels.map((label) => token.find(label)));
    const given = hsm.key === undefined ? undefined : await token.findByUri(hsm.key);
    const found = [...ours, given].filter((key) => key !== undefined);
    if (found.length === 0) return ok(`There is no key in ${labels.join(' or ')} yet.`);
    const seen = await Promise.all(found.map(async (key) => ({ key, protection: await token.describe(key) })));
    const message = `${seen.map(({ key, protection }) => inWords(key, protection)).join('; ')}.`;
    if (seen.every(({ protection }) => isProtected(protection))) return ok(message);
    return warning(message, 'Make a key that the token protects: newleaf roll');
  },
};

const isProtected = ({ sensitive, extractable, neverExtractable }: Protection): boolean =>
  sensitive === true && extractable === false && neverExtractable === true;

function inWords({ label, keyType }: PublicKey, protection: Protection): string {
  const origin = protection.local === true ? 'made in the token' : 'not known to be made in the token';
  if (isProtected(protection)) return `${label}: ${keyType}, ${origin}, never extractable`;
  const { sensitive, extractable, neverExtractable } = protection;
  const said = `sensitive ${sensitive}, extractable ${extractable}, never extractable ${neverExtractable}`;
  return `${label}: ${keyType}, ${origin}, NOT protected (${said})`;
}
