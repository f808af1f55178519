import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Leaf } from '../roll/leaf.ts';
import type { RollState } from '../roll/state.ts';
import type { Watch } from './watch.ts';

/** What the operator needs to enroll the leaf that DPS refuses. */
export function showEnrollment(
  { dialogue, registrationId, stateDirectory }: Watch,
  leaf: Leaf,
  { current }: RollState,
): void {
  const file = join(stateDirectory, leaf === current ? 'leaf.pem' : 'next.pem');
  dialogue.blank();
  dialogue.say(
    `DPS does not accept this leaf yet. Whoever operates DPS enrolls it, or its issuer "${leaf.issuer}" for a group:`,
  );
  dialogue.blank();
  showLeaf({ dialogue }, leaf, file);
  dialogue.blank();
  dialogue.say('With that file, one of:');
  dialogue.copy(
    `    az iot dps enrollment create --dps-name DPS --resource-group GROUP \\
      --enrollment-id ${registrationId} --attestation-type x509 --certificate-path ${registrationId}.pem
    scripts/enroll add individual --certificate ${registrationId}.pem`,
  );
  dialogue.blank();
  dialogue.copy(new X509Certificate(leaf.chain).toString());
}

/** CN, thumbprints and file of a leaf. */
export function showLeaf({ dialogue }: Pick<Watch, 'dialogue'>, leaf: Leaf, file: string): void {
  const bare = (fingerprint: string) => fingerprint.replaceAll(':', '');
  const sha1 = bare(new X509Certificate(leaf.chain).fingerprint);
  dialogue.copy(
    `    CN           ${leaf.cn}
    SHA-256      ${leaf.thumbprint}
    SHA-1        ${sha1}
    certificate  ${file}`,
  );
}

/** The CSR, where a person or the back end signs. The key is made now, if there is none. */
export async function showCsr({ dialogue, running, registrationId, stateDirectory, isPatient }: Watch): Promise<void> {
  const { status, body } = await running.daemon.answer({ kind: 'csr', from: 'technician' });
  if (status !== 200 || !('csr' in body)) return;
  dialogue.blank();
  dialogue.say(`The key of ${registrationId} is in the token. This CSR is to be signed, with its subject as it is:`);
  dialogue.blank();
  dialogue.copy(String(body.csr));
  dialogue.blank();
  dialogue.say(`It also lies in ${join(stateDirectory, 'csr')}.`);
  const how = `Bring the leaf with \`newleaf install FILE\`, or put it into ${join(stateDirectory, 'inbox')}`;
  dialogue.say(
    isPatient
      ? `${how}. It is waited for here; Ctrl-C ends that, and nothing is lost.`
      : `${how}, while the daemon runs.`,
  );
}
