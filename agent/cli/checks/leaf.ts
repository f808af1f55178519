import { X509Certificate } from 'node:crypto';
import { linkUp, sentOf } from '../../certificate/chain.ts';
import { issuerOf, named, validityOf } from '../../certificate/name.ts';
import { certificatesOf } from '../../certificate/pem.ts';
import { needsNoPerson } from '../../config/terms.ts';
import type { Leaf } from '../../roll/leaf.ts';
import { misnamed } from '../../roll/misnamed.ts';
import { dueAt } from '../../roll/terms.ts';
import { localDay, localMinute, moment } from '../moment.ts';
import type { Site } from '../proof/site.ts';
import { type Finding, failed, ofLeaf, ok, warning, withLeaf, x509 } from './check.ts';

async function validity(current: Leaf, site: Site): Promise<Finding> {
  const { notAfter } = current;
  const { now } = site;
  const { issuer, leaf } = await x509(site);
  if (now >= notAfter) {
    const advice = needsNoPerson(issuer)
      ? 'newleaf gets a new one by itself, once the issuer can be reached and the daemon runs: see `newleaf status`.'
      : undefined;
    return failed('NL-LEAF-EXPIRED', `The current leaf expired ${moment(notAfter, now)}.`, advice);
  }
  const due = dueAt(current, leaf.renew_at);
  const expires = `The leaf expires ${moment(notAfter, now)}`;
  if (due === undefined)
    return warning(`${expires}, and no renewal is planned.`, 'Set leaf.renew_at, unless that is wanted.');
  if (due > now) return ok(`${expires}, renewal ${moment(due, now)}.`);
  const message = `${expires}, and its renewal is due since ${localMinute(due)}.`;
  return warning(message, 'See `newleaf status`, which says why it has not happened yet.');
}

async function registrationId(leaf: Leaf, site: Site): Promise<Finding> {
  const { registration_id } = (await site.config()).config.dps;
  const met = misnamed(leaf, registration_id);
  if (met === undefined) return ok(`The CN of the leaf and dps.registration_id are both ${registration_id}.`);
  return failed(met.code, met.message, met);
}

/**
 * The chain sent to DPS links up by signature, and every part is valid. Only DPS knows which CA is enrolled: the check names
 * the one that is not sent.
 */
async function chain(current: Leaf, site: Site): Promise<Finding> {
  const [leaf, ...others] = certificatesOf(current.chain).map((der) => new X509Certificate(der));
  if (leaf === undefined) return failed('NL-LEAF-PARSE', 'The current leaf cannot be read.');
  const sent = sentOf(linkUp(leaf, others, site.now).path);
  const last = sent.at(-1) ?? leaf;
  const early = sent.find((one) => validityOf(one).notAfter < current.notAfter);
  if (early !== undefined) {
    const until = localDay(validityOf(early).notAfter);
    const message = `The intermediate ${named(early)} ends on ${until}, before the leaf.`;
    return warning(message, 'Operator of the CA: renew the intermediate before that day, and enroll it in DPS.');
  }
  const count = sent.length - 1;
  const beside = count === 1 ? 'an intermediate' : `${count} intermediates`;
  const how = count === 0 ? 'alone' : `with ${beside}`;
  if ((await x509(site)).issuer.kind === 'azure')
    return ok(`The leaf is sent ${how}, to the hub alone, which trusts its CA "${issuerOf(leaf)}".`);
  return ok(
    `The leaf is sent ${how}. DPS must know ${count === 0 ? 'it' : 'the leaf, one of these'}, or "${issuerOf(last)}".`,
  );
}

const NEEDS = ['state-file', 'clock'];

export const LEAF_CHECKS = ofLeaf([
  {
    id: 'leaf-validity',
    describes: 'The current leaf is valid, and its renewal is planned.',
    needs: NEEDS,
    look: withLeaf(validity),
  },
  {
    id: 'registration-id',
    describes: 'The CN of the leaf is the registration ID, as DPS demands.',
    needs: ['state-file'],
    look: withLeaf(registrationId),
  },
  {
    id: 'chain',
    describes: 'The leaf and its intermediates link up, and none of them has expired.',
    needs: NEEDS,
    look: withLeaf(chain),
  },
]);
