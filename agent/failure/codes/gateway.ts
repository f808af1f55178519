import { another } from '../advice.ts';
import { brokenCode, type CodeEntry, refusedCode, transientCode } from './code.ts';

/** Faults on the gateway itself: leaf, token, disk, configuration, commands. */
export const GATEWAY = {
  'NL-LEAF-EXPIRING': transientCode(
    'The current leaf nears its end, and its renewal is overdue.',
    another(
      (how) => `See with \`newleaf status\` why no new leaf has come, or get one at once: ${how}.`,
      '`newleaf roll`',
    ),
  ),
  'NL-LEAF-EXPIRED': refusedCode(
    'The current leaf has expired, and no new one has come.',
    'Run `newleaf csr`, have it signed, then `newleaf install FILE`.',
  ),
  'NL-LEAF-PARSE': refusedCode('The issued leaf is not a readable certificate.', 'Operator of the CA: deliver PEM.'),
  'NL-LEAF-KEY': refusedCode('The issued leaf is for another key.', 'Have the CSR of `newleaf csr` signed again.'),
  'NL-LEAF-CN': refusedCode(
    'The CN of the issued leaf is not the registration ID.',
    'Operator of the CA: keep the subject of the CSR.',
  ),
  'NL-LEAF-CA': refusedCode(
    'The issued certificate is that of a CA, not a leaf.',
    'Operator of the CA: issue an end-entity certificate (basicConstraints CA:FALSE).',
  ),
  'NL-LEAF-EKU': refusedCode(
    'The issued leaf may not be used for client authentication.',
    'Operator of the CA: allow clientAuth in the extended key usage.',
  ),
  'NL-LEAF-VALIDITY': refusedCode(
    'The issued leaf has expired, or is due for renewal already.',
    'Operator of the CA: issue a longer lifetime, or one that begins later.',
  ),
  'NL-LEAF-SAME': refusedCode(
    'The issuer gave the current leaf once more.',
    'Operator of the CA: issue a new certificate for each request, also for the same key.',
  ),
  'NL-LEAF-NOT-YET': transientCode(
    'The issued leaf is not valid yet by the clock of this gateway.',
    'Check the clock with `timedatectl`.',
  ),
  'NL-LEAF-CHAIN': refusedCode(
    'The issued chain does not link up, or OpenSSL does not accept it.',
    'Operator of the CA: deliver the leaf and its intermediates.',
  ),
  'NL-LEAF-WEAK': refusedCode(
    'The key or the signature of the issued chain is too weak.',
    'Operator of the CA: RSA of 2048 bits or more, SHA-256 or better.',
  ),
  'NL-TOKEN-MODULE': brokenCode(
    'The PKCS#11 module cannot be loaded.',
    'Check hsm.module, and that its package is installed.',
  ),
  'NL-TOKEN-ENGINE': brokenCode(
    "OpenSSL's PKCS#11 engine is not installed.",
    'Install it: `apt-get install libengine-pkcs11-openssl`; elsewhere openssl-engine-libp11 (openSUSE), openssl-pkcs11 (Fedora) or libp11 (Yocto). Or, in its place: `apt-get install stunnel4 pkcs11-provider`.',
  ),
  'NL-TOKEN-MISSING': brokenCode(
    'The token is not there, or more than one matches.',
    another(
      (how) =>
        `Check hsm.token against \`pkcs11-tool --module MODULE -L\`. If the token is lost: \`systemctl stop newleaf\`, \`newleaf init --ask\`, \`systemctl start newleaf\`, ${how}.`,
    ),
  ),
  'NL-TOKEN-PIN': brokenCode(
    'The token refused the PIN. It was tried once and will not be tried again until the PIN changes.',
    'Is it the right token? Then put the right PIN into `/etc/newleaf/pin` (or hsm.pin_file). After that, or with the right token: `systemctl restart newleaf`.',
  ),
  'NL-TOKEN-PIN-LOCKED': brokenCode(
    'The PIN of the token is locked.',
    'A TPM opens by itself after minutes or hours, or at once by `tpm2_dictionarylockout --clear-lockout`; `newleaf-fallback.timer` starts the daemon again where it is enabled. Unlock any other token with the SO PIN (the vendor tool, or `pkcs11-tool --init-pin`), then `systemctl restart newleaf`.',
  ),
  'NL-TOKEN-PIN-FILE': brokenCode(
    'The PIN cannot be read, or is empty.',
    'Write the PIN into `/etc/newleaf/pin` (or check hsm.pin_file), then `systemctl restart newleaf`.',
  ),
  'NL-TOKEN-PIN-READ': transientCode(
    'The PIN cannot be read, or handed to OpenSSL, at the moment: the system lacks room, memory or descriptors.',
    'newleaf starts again by itself. If it lasts: `dmesg`.',
  ),
  'NL-TOKEN-KEY': brokenCode(
    'The key of the leaf is not in the token.',
    another((how) => `Is it the right token? See \`newleaf check\`. If the key is lost, get another: ${how}.`),
    another((how) => `Is it the right token (hsm.token, hsm.uri)? If its key is lost, get another: ${how}.`),
  ),
  'NL-TOKEN-OCCUPIED': brokenCode(
    'The slot for the next key holds an object, and the records of newleaf do not say that newleaf made it for this purpose.',
    another(
      (how) =>
        `Let it stay, and give the keys of newleaf another name: hsm.label_prefix. If it is the key of this gateway, name it in hsm.key as well. Then \`systemctl restart newleaf\`, ${how}.`,
    ),
  ),
  'NL-TOKEN-FAILED': brokenCode(
    'The token refused an operation.',
    'See `newleaf check`; the CKR code is in the message.',
    'Look up the CKR code of the message in the manual of the token, or send the vendor `newleaf support-bundle`.',
  ),
  'NL-TOKEN-POISONED': brokenCode(
    'The PKCS#11 module lost its state (token reset or pulled).',
    'newleaf restarts itself. If it happens again and again, check the token and its daemon with `newleaf check`.',
    'If it happens again and again, look at the daemon behind the module (pcscd, tpm2-abrmd, the p11-kit server), or plug the token in again.',
  ),
  'NL-TPM-MISSING': brokenCode(
    'There is no TPM.',
    'Look with `ls -l /dev/tpm*`, switch the TPM on in the firmware, or correct tpm.device.',
  ),
  'NL-TPM-DENIED': brokenCode(
    'This user may not use the TPM.',
    'Use sudo; the daemon needs the group of the device file (`ls -l /dev/tpmrm0`).',
  ),
  'NL-TPM-BUSY': brokenCode(
    'Another program holds the TPM.',
    'Set tpm.device to /dev/tpmrm0, which many can use at once, or end the program that holds it (`fuser /dev/tpm0`).',
  ),
  'NL-TPM-BLOB': transientCode(
    'The TPM cannot open the key that DPS sent: it was damaged, or made for another TPM.',
    'If it lasts, compare the endorsement key in the enrollment with `newleaf tpm`.',
  ),
  'NL-TPM-KEY': refusedCode(
    'The TPM holds no identity key: it was cleared, or it is another TPM.',
    'newleaf registers again by itself. If DPS then refuses, enroll what `newleaf tpm` prints.',
  ),
  'NL-TPM-PASSWORD': brokenCode(
    'The TPM asks for a password, and newleaf has none.',
    'Owner of the TPM: remove the passwords of owner and endorsement (`tpm2_changeauth -c owner -p PASSWORD`); then `newleaf tpm`.',
  ),
  'NL-TPM-LOCKED': brokenCode(
    'The TPM is locked: it was given wrong passwords.',
    'It opens by itself, perhaps after hours; the owner of the TPM can open it at once: `tpm2_dictionarylockout --clear-lockout`.',
  ),
  'NL-TPM-FULL': brokenCode(
    'The TPM has no room for another key.',
    'Look with `tpm2_getcap handles-persistent`, and remove a key that is not needed (`tpm2_evictcontrol -c HANDLE`).',
  ),
  'NL-TPM-FAILED': brokenCode(
    'The TPM refused an operation.',
    'If it lasts, power the gateway off and on, and see whether `newleaf tpm` works.',
  ),
  'NL-TPM-NO-LEAF': refusedCode(
    'This gateway attests by its TPM: there is no leaf.',
    'Use `newleaf reprovision`, which gets a new key for the TPM.',
  ),
  'NL-TOKEN-HUNG': brokenCode(
    'The PKCS#11 module hangs, or ends the process that has loaded it.',
    'Restart the daemon behind the module (pcscd, tpm2-abrmd, the p11-kit server), or plug the token in again; then `newleaf check`.',
  ),
  'NL-TOKEN-CRASHED': brokenCode(
    'The PKCS#11 module has crashed newleaf, or has hung until the watchdog ended it.',
    'newleaf starts again by itself. If it happens again and again: `apt-get install stunnel4 pkcs11-provider`. With hsm.tls = "auto", a process of its own then does TLS after the second time. Send the vendor of the module `newleaf support-bundle`.',
  ),
  'NL-CONFIG': brokenCode(
    'The configuration is wrong.',
    'Correct the line that the message names, then `systemctl restart newleaf`. `newleaf config` prints all settings as newleaf reads them.',
  ),
  'NL-CONFIG-READ': transientCode(
    'The configuration cannot be read at the moment: the disk fails, or the system lacks memory or descriptors.',
    'newleaf starts again by itself. If it lasts, look at the disk: `dmesg`.',
  ),
  'NL-CONTROL-SOCKET': transientCode(
    'The control socket cannot be made at the moment: the system lacks room, memory or descriptors.',
    'newleaf starts again by itself. If it lasts, make room where control.socket is: `df -hi /run`.',
  ),
  'NL-STATE-READ': transientCode(
    'The state file cannot be read at the moment: the disk fails, or the system lacks memory or descriptors. Nothing was overwritten or sent.',
    'newleaf starts again by itself. If it lasts, look at the disk: `dmesg`.',
  ),
  'NL-STATE-CORRUPT': brokenCode(
    'The state file is damaged. Nothing was overwritten or sent.',
    'Restore state.json from a backup; or move it away, and go on with the leaf that is there: `newleaf init --adopt token --yes`. Then `systemctl start newleaf`.',
  ),
  'NL-STATE-OWNER': brokenCode(
    'The state file may not be read by this user. Nothing was overwritten or sent.',
    'Give it to its user: `chown newleaf: /var/lib/newleaf/state.json`, then `systemctl start newleaf`.',
  ),
  'NL-STATE-NEWER': brokenCode(
    'The state file is of a newer newleaf. Nothing was overwritten or sent.',
    'Install that newer newleaf again (/var/log/dpkg.log names it), then `systemctl start newleaf`.',
  ),
  'NL-STATE-DECOMMISSIONED': brokenCode(
    'This gateway was given up by `newleaf decommission`.',
    'Leave newleaf off: `systemctl disable newleaf`. Or begin anew: `newleaf init`.',
  ),
  'NL-STATE-WRITE': brokenCode(
    'The state file cannot be written.',
    'Check free space and permissions of state.directory.',
  ),
  'NL-CLOCK': transientCode(
    'The clock of this gateway is not credible.',
    'Check NTP with `timedatectl`, or set the clock.',
  ),
  'NL-BUDGET': transientCode(
    'More requests than the budget allows.',
    'Wait for the time named, or use `newleaf reprovision`.',
  ),
  'NL-BUDGET-BRAKED': transientCode(
    'newleaf repeats the same work without success, and slows down.',
    'See with `newleaf status` what is refused. A request (`newleaf reprovision`) is done at once.',
  ),
  'NL-BUSY-LONG': transientCode(
    'A step of the work has lasted for two minutes, and goes on.',
    'newleaf ends it after some minutes, and tries again; the session does not wait for it. If it comes again and again, and is about the token: restart the daemon behind the PKCS#11 module (pcscd, tpm2-abrmd, the p11-kit server), then `newleaf check leaf-key`.',
  ),
  'NL-NO-WAY': brokenCode(
    'newleaf does not serve, and has no way that it would try soon: a defect of newleaf.',
    'Registering and renewing stand still. `newleaf reprovision` is done at once; newleaf looks each minute, and starts itself again after 75 minutes. Send `newleaf support-bundle` to its makers: the memory is in the log.',
  ),
  'NL-BUSY': transientCode('Another request is in flight.', 'Wait for it: `newleaf status --watch`.'),
  'NL-DAEMON-DOWN': transientCode(
    'The daemon does not run.',
    'Run `systemctl start newleaf`. If it does not stay up, `newleaf check` says why.',
    'Correct what else fails here, then `systemctl start newleaf`. The end of its log: `journalctl -u newleaf -n 20`.',
  ),
  'NL-CONTROL-DENIED': refusedCode(
    'This user may not use the control socket.',
    'Use sudo, or join the group newleaf (`usermod -aG newleaf USER`) and log in again.',
  ),
  'NL-CONTROL-BUSY': transientCode(
    'The daemon runs, and accepts no connection on its control socket.',
    'See which program holds so many: `ss -xp`. If it stays like this: `systemctl restart newleaf`.',
  ),
  'NL-CONTROL-GONE': transientCode(
    'The daemon runs, and its control socket is not there: it is starting, or the socket was removed.',
    'If it stays like this: `systemctl restart newleaf`.',
  ),
  'NL-DAEMON-RUNS': brokenCode(
    'Another newleaf already runs on this state directory.',
    'See `systemctl status newleaf`.',
  ),
  'NL-INTERNAL': transientCode('A defect in newleaf.', 'Please report it with the log: `journalctl -u newleaf`.'),
} as const satisfies Record<string, CodeEntry>;
