import type { Machine } from './machine.ts';

const UNITS = '/etc/systemd/system';
const STATE = '/var/lib/swtpm';
const SOCKET = '/run/swtpm/tpm.sock';

/** What stands for the chip. A real one never needs to be started. */
const SWTPM = `[Service]
User=tss
RuntimeDirectory=swtpm
ExecStart=/usr/bin/swtpm socket --tpm2 --tpmstate dir=${STATE} --flags not-need-init,startup-clear \\
  --server type=unixio,path=${SOCKET} --ctrl type=unixio,path=${SOCKET}.ctrl
ExecStartPost=sh -c 'until test -S ${SOCKET}; do sleep 0.05; done'
`;

/** As in the package, but with this chip; a resource manager without its chip is of no use to anybody. */
const ABRMD = `[Unit]
BindsTo=swtpm.service
After=swtpm.service
[Service]
Type=dbus
BusName=com.intel.tss2.Tabrmd
User=tss
ExecStart=/usr/sbin/tpm2-abrmd --tcti=swtpm:path=${SOCKET}
Restart=always
RestartSec=1s
`;

/** Beside the drop-in of the package, which means the resource manager of the kernel. */
const DROP_IN = `[Service]
Environment=TPM2_PKCS11_TCTI=tabrmd
`;

/**
 * Puts a TPM into the machine, behind tpm2-abrmd: the units swtpm and tpm2-abrmd.
 * @returns options of `newleaf init`
 */
export async function plugIn(machine: Machine): Promise<readonly string[]> {
  machine.write(`${UNITS}/swtpm.service`, SWTPM);
  machine.write(`${UNITS}/tpm2-abrmd.service`, ABRMD);
  machine.dropIn(DROP_IN);
  await machine.must('systemctl', 'daemon-reload');
  await machine.must('install', '--directory', '--owner=tss', STATE);
  await machine.must('runuser', '--user', 'tss', '--', 'swtpm_setup', '--tpm2', '--tpmstate', STATE, '--createek');
  await machine.must('systemctl', 'start', 'tpm2-abrmd');
  return ['--new-token', 'tpm'];
}
