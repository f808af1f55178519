import { verify, X509Certificate } from 'node:crypto';
import { isProtected, type Protection } from '../../../hsm/key-pair.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import type { TlsWay } from '../../../hsm/tls-way.ts';
import { another } from '../../failure/advice.ts';
import { CODES } from '../../failure/failure.ts';
import { nameToken } from '../../failure/failure-of.ts';
import { clearing, labelsOf, strangerIn } from '../../keys/occupied.ts';
import type { Leaf } from '../../roll/leaf.ts';
import { knownIds } from '../../roll/look.ts';
import { unprovisioned } from '../../roll/state.ts';
import type { Site } from '../proof/site.ts';
import { type Finding, failed, ofLeaf, ok, skipped, unseen, warning, withLeaf, x509 } from './check.ts';

/**
 * Of CK_TOKEN_INFO (PKCS#11 v2.40 section 3.2): "an incorrect user login PIN has been entered at least once since the last
 * successful authentication".
 */
const CKF_USER_PIN_COUNT_LOW = 0x0001_0000;

async function tokenPresent(site: Site): Promise<Finding> {
  const { name, flags, doubt } = await site.slot();
  if (doubt !== undefined) return warning(doubt, nameToken('it', name.serial));
  const called = `Token "${name.label}" (serial ${name.serial}, ${name.manufacturer} ${name.model})`;
  if ((flags & CKF_USER_PIN_COUNT_LOW) === 0) return ok(`${called} is there.`);
  const message = `${called} has met a wrong PIN since the last right one.`;
  return warning(message, 'Find out who tried: after some more the PIN is locked.');
}

/**
 * Logs in once, as the daemon does: a PIN that was accepted before costs nothing, and one that was refused is known by the
 * PinRecord and not tried. So it is tried only where a refusal can be noted, in the state directory.
 */
async function pin(site: Site): Promise<Finding> {
  const { hsm, state } = await x509(site);
  if (hsm.pin_file === undefined && site.env.CREDENTIALS_DIRECTORY === undefined && !site.holdsPin) {
    const message = 'The PIN is a systemd credential, which only root and the daemon can read.';
    if (site.isStranger) return unseen(message);
    return skipped(message, 'Whether the daemon has the right PIN: `newleaf status`.');
  }
  const { name } = await site.slot();
  if ((await site.mode(state.directory)) === 'absent') {
    const message = `The PIN was not tried: there is no ${state.directory} yet, where a refusal would be noted.`;
    return skipped(message, 'Run `newleaf init`, or start the daemon; then check again.');
  }
  await site.token();
  return ok(`Token "${name.label}" accepts the PIN.`);
}

async function keys(site: Site): Promise<Finding> {
  const { dps, hsm, state } = await x509(site);
  const token = await site.token();
  const labels = labelsOf(hsm.label_prefix);
  const ours = (await Promise.all(labels.map((label) => token.find(label)))).filter((key) => key !== undefined);
  const given = hsm.key === undefined ? [] : [await token.findByUri(hsm.key)];
  const found = [...ours, ...given];
  if (found.length === 0) return ok(`There is no key in ${labels.join(' or ')} yet.`);
  const seen = await Promise.all(found.map(async (key) => ({ key, protection: await token.describe(key) })));
  const message = `${seen.map(({ key, protection }) => inWords(key, protection)).join('; ')}.`;
  if (!seen.every(({ protection }) => isProtected(protection))) {
    const protects = another((how) => `Get a key that the token protects: ${how}`, '`newleaf roll`');
    return warning(message, protects);
  }
  const entry = await site.entry().catch(() => undefined);
  // Without the journal, which this user may not read, each key would look like a stranger's.
  if (entry === undefined) return ok(message);
  const recorded = entry === 'absent' ? unprovisioned : entry;
  const stranger = await strangerIn(token, labels, () => [...knownIds(recorded), ...given.map(({ id }) => id)]);
  if (stranger === undefined) return ok(message);
  if (recorded.current !== undefined) return warning(stranger.message, CODES['NL-TOKEN-OCCUPIED']);
  const { registration_id: registrationId } = dps;
  const place = { token, registrationId, directory: state.directory, now: site.now };
  return warning(stranger.message, await clearing(place, stranger.label));
}

function inWords({ label, keyType }: PublicKey, protection: Protection): string {
  const { local, sensitive, extractable, neverExtractable } = protection;
  const made = `${label}: ${keyType}, ${local === true ? 'made' : 'not known to be made'} in the token`;
  if (isProtected(protection)) return `${made}, never extractable`;
  const said = `sensitive ${sensitive}, extractable ${extractable}, never extractable ${neverExtractable}`;
  return `${made}, NOT protected (${said})`;
}

const WAYS: Readonly<Record<TlsWay, string>> = {
  engine: 'The PKCS#11 engine of OpenSSL is',
  helper: 'stunnel and pkcs11-provider, which do TLS in place of the engine (hsm.tls), are',
};

async function leafKey({ key, chain }: Leaf, site: Site): Promise<Finding> {
  const token = await site.token();
  const found = await token.findById(key.id);
  if (found === undefined) {
    const message = `Token "${token.name.label}" has no key with the id ${key.id} (slot ${key.slot}).`;
    return failed('NL-TOKEN-KEY', message);
  }
  const { publicKey } = new X509Certificate(chain);
  if (!publicKey.export({ type: 'spki', format: 'der' }).equals(found.spki)) {
    return failed('NL-TOKEN-KEY', `The key "${found.label}" is not that of the current leaf.`);
  }
  const message = Buffer.from('newleaf check');
  const { digestOf } = await import('../../../hsm/sign.ts');
  const isRight = verify(digestOf(found.keyType), message, publicKey, await token.sign(found, message));
  if (isRight) return ok(`The key "${found.label}" signs for the current leaf.`);
  return failed('NL-TOKEN-FAILED', `Signatures of the key "${found.label}" do not verify.`);
}

export const TOKEN_CHECKS = ofLeaf([
  {
    id: 'module-loads',
    describes: 'The PKCS#11 module can be loaded and initialised.',
    needs: ['configuration'],
    async look(site) {
      const { module } = (await x509(site)).hsm;
      await site.loadModule();
      return ok(`${module} loads.`);
    },
  },
  {
    id: 'token-present',
    describes: 'The configuration names exactly one token.',
    needs: ['module-loads'],
    look: tokenPresent,
  },
  { id: 'pin', describes: 'The token accepts the PIN.', needs: ['token-present', 'state-directory'], look: pin },
  { id: 'keys', describes: 'The private keys never leave the token.', needs: ['pin'], look: keys },
  {
    id: 'leaf-key',
    describes: "The current leaf's key is in the token, and can be used.",
    needs: ['pin', 'state-file'],
    look: withLeaf(leafKey),
  },
  {
    id: 'tls-engine',
    describes: "TLS can use a key in the token: by OpenSSL's PKCS#11 engine, or by stunnel with pkcs11-provider.",
    needs: ['configuration'],
    look: (site) => site.tlsWay().then((way) => ok(`${WAYS[way]} installed.`)),
  },
  {
    id: 'tls-handshake',
    describes: "The current leaf's key makes TLS handshakes from within the token.",
    needs: ['leaf-key', 'tls-engine'],
    async look(site) {
      const worked = await site.rehearse();
      const by = (await site.tlsWay()) === 'helper' ? ', by stunnel' : '';
      if (worked.includes('TLSv1.3')) return ok(`TLS 1.2 and 1.3 work with the token's key${by}.`);
      return ok(
        `TLS 1.2 works with the token's key${by}: for 1.3 an RSA key needs RSA-PSS, which the module does not list.`,
      );
    },
  },
]);
