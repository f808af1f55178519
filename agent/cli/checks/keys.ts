import type { Protection } from '../../../hsm/key-pair.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { CODES } from '../../failure/failure.ts';
import { type Check, ok, warning, x509 } from './check.ts';
import type { Site } from './site.ts';

export const keys: Check = {
  id: 'keys',
  describes: 'The private keys never leave the token.',
  of: 'x509',
  needs: ['pin'],
  async look(site) {
    const { hsm } = await x509(site);
    const token = await site.token();
    const labels = ['a', 'b'].map((slot) => `${hsm.label_prefix}-${slot}`);
    const ours = (await Promise.all(labels.map((label) => token.find(label)))).filter((key) => key !== undefined);
    const given = hsm.key === undefined ? [] : [await token.findByUri(hsm.key)];
    const found = [...ours, ...given];
    if (found.length === 0) return ok(`There is no key in ${labels.join(' or ')} yet.`);
    const seen = await Promise.all(found.map(async (key) => ({ key, protection: await token.describe(key) })));
    const message = `${seen.map(({ key, protection }) => inWords(key, protection)).join('; ')}.`;
    if (!seen.every(({ protection }) => isProtected(protection))) {
      return warning(message, 'Make a key that the token protects: newleaf roll');
    }
    const theirs = given.map(({ id }) => id);
    const inTheWay = await strangerAmong(
      ours.filter(({ id }) => !theirs.includes(id)),
      site,
    );
    if (inTheWay === undefined) return ok(message);
    const { label, id } = inTheWay;
    const stops = `${label} holds a key that newleaf did not make (CKA_ID ${id}): the next roll to this slot stops there.`;
    return warning(stops, CODES['NL-TOKEN-OCCUPIED'].advice);
  },
};

/** A key in the way of the next one: agent/keys/slots.ts takes over only keys that the journal knows. */
async function strangerAmong(ours: readonly PublicKey[], site: Site): Promise<PublicKey | undefined> {
  const entry = await site.entry().catch(() => undefined);
  // Without the journal, which this user may not read, each key would look like a stranger's.
  if (entry === undefined) return undefined;
  const { current, next, retire } = entry === 'absent' ? {} : entry;
  const known = [current?.key.id, next?.id, next?.intended, retire?.id];
  return ours.find((key) => !known.includes(key.id));
}

const isProtected = ({ sensitive, extractable, neverExtractable }: Protection): boolean =>
  sensitive === true && extractable === false && neverExtractable === true;

function inWords({ label, keyType }: PublicKey, protection: Protection): string {
  const origin = protection.local === true ? 'made in the token' : 'not known to be made in the token';
  if (isProtected(protection)) return `${label}: ${keyType}, ${origin}, never extractable`;
  const { sensitive, extractable, neverExtractable } = protection;
  const said = `sensitive ${sensitive}, extractable ${extractable}, never extractable ${neverExtractable}`;
  return `${label}: ${keyType}, ${origin}, NOT protected (${said})`;
}
