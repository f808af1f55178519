import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isContained, STARTING } from '../../machine/contained.ts';
import type { Leaf } from '../../roll/leaf.ts';
import type { RollState } from '../../roll/state.ts';
import { digestRows } from '../status/screen.ts';
import { readEndorsement, renderEndorsement } from '../tpm.ts';
import type { DaemonWatch } from './watch.ts';

export async function showEnrollment(watch: DaemonWatch, leaf: Leaf, state: RollState): Promise<void> {
  const { dialogue, config } = watch;
  if ('tpm' in config) {
    dialogue.paragraph('DPS does not accept this TPM yet. The operator of DPS enrolls it:');
    return dialogue.copy(`\n${renderEndorsement(await readEndorsement(config), dialogue.screen)}`);
  }
  const file = leaf === state.current ? 'leaf.pem' : 'next.pem';
  const isDisabled = (state.next?.rest ?? state.workTrouble)?.failure.code === 'NL-DPS-DISABLED';
  const task = isDisabled ? 'enables its enrollment:' : `enrolls it, or its issuer "${leaf.issuer}" for a group:`;
  dialogue.paragraph(`DPS does not accept this leaf yet. The operator of DPS ${task}`);
  showLeaf(watch, leaf, file);
  if (isDisabled) return;
  dialogue.paragraph(`With a copy of ${file}, one of:`);
  dialogue.copy(
    `    az iot dps enrollment create --dps-name DPS --resource-group GROUP \\
      --enrollment-id ${config.dps.registration_id} --attestation-type x509 \\
      --certificate-path ${file}
    scripts/enroll add individual --certificate ${file}

${new X509Certificate(leaf.chain)}`,
  );
}

/** CN, thumbprints and file of a leaf. @param file its name in the state directory */
export function showLeaf({ dialogue, config }: DaemonWatch, leaf: Leaf, file: string, ...more: readonly string[]) {
  const sha1 = new X509Certificate(leaf.chain).fingerprint.replaceAll(':', '');
  const rows = [
    `\n  CN           ${leaf.cn}`,
    ...digestRows('SHA-256', leaf.thumbprint, dialogue.screen),
    ...digestRows('SHA-1', sha1, dialogue.screen),
    `  certificate  ${join(config.state.directory, file)}`,
  ];
  dialogue.copy([...rows, ...more].join('\n'));
}

/** The CSR, where a person or the back end signs. Makes the key, if there is none. */
export async function showCsr(watch: DaemonWatch): Promise<void> {
  const { dialogue, running, config, isPatient } = watch;
  const { directory } = config.state;
  const answer = await running.daemon.answer({ kind: 'csr', from: 'technician' });
  if (answer.is !== 'csr') return;
  const id = config.dps.registration_id;
  dialogue.paragraph(`The key of ${id} is in the token. Have this CSR signed, with its subject unchanged:`);
  dialogue.copy(`\n${answer.csr}`);
  dialogue.paragraph(`It also lies in ${join(directory, 'csr')}.`);
  const how = `Bring the leaf with \`newleaf install FILE\`, or put it into ${join(directory, 'inbox')}`;
  if (isPatient) return dialogue.say(`${how}. init waits for it; Ctrl-C ends the wait, and nothing is lost.`);
  dialogue.say(`${how}, while the daemon runs.`);
  tellToStart(watch);
}

const UNITS = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];

export function tellToStart({ dialogue, env }: Pick<DaemonWatch, 'dialogue' | 'env'>): void {
  if (isContained(env)) {
    dialogue.paragraph('Now start the container of the daemon; where it is there already, `docker restart newleaf`:');
    dialogue.commands([STARTING, 'docker exec newleaf newleaf status']);
    return;
  }
  const isInstalled = UNITS.some((directory) => existsSync(join(directory, 'newleaf.service')));
  const start = isInstalled ? 'Now start the daemon' : 'Now run the daemon as a service (`newleaf run`)';
  dialogue.paragraph(`${start}, and look at it:`);
  dialogue.commands([...(isInstalled ? ['systemctl enable --now newleaf'] : []), 'newleaf status']);
}
