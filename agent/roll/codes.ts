/**
 * What can go wrong, in three kinds that are never mixed up:
 * - `transient`: no answer, or an answer that says "later". Nothing changes, the same effect is tried again.
 * - `refused`: the other side answered, and said no. Asking again the same way will not help.
 * - `broken`: the token, the disk or the configuration. A person or a restart is needed.
 */
export type FailureKind = 'transient' | 'refused' | 'broken';

interface CodeEntry {
  readonly kind: FailureKind;
  /** What it means, for the README's table. */
  readonly means: string;
  /** The next command, or the person to call. */
  readonly advice: string;
}

const entry = (kind: FailureKind, means: string, advice: string): CodeEntry => ({ kind, means, advice });
const itself = 'Nothing to do: newleaf keeps trying.';

/** Every code, listed once. The README's table is generated from this; a code is never reused for another meaning. */
export const CODES = {
  'NL-DPS-401002': entry(
    'refused',
    'DPS does not accept this leaf: neither the leaf nor one of its issuers is enrolled, or the enrollment is disabled.',
    'Operator: enroll the leaf or its issuer in DPS (`newleaf status` prints the thumbprint), then `newleaf reprovision`.',
  ),
  'NL-DPS-404201': entry(
    'refused',
    'DPS knows no such registration ID in this ID scope.',
    'Operator: check dps.id_scope and dps.registration_id, and create the enrollment.',
  ),
  'NL-DPS-DISABLED': entry(
    'refused',
    'The enrollment of this device is disabled in DPS.',
    'Operator: enable the enrollment, then `newleaf reprovision`.',
  ),
  'NL-DPS-REJECTED': entry(
    'refused',
    'DPS refused the MQTT connection (CONNACK 2, 4 or 5): the CN of the leaf and dps.registration_id differ.',
    'Operator: make dps.registration_id equal to the CN of the leaf.',
  ),
  'NL-DPS-REFUSED': entry(
    'refused',
    'DPS answered the registration with a refusal that newleaf has no own code for.',
    'Operator: look up the error code in the message on the DPS side.',
  ),
  'NL-DPS-ALLOCATION': entry(
    'transient',
    'DPS accepted the leaf but could assign no hub (none linked, hub refused DPS, or the allocation function failed).',
    'Operator: check the linked hubs and the allocation policy of the enrollment.',
  ),
  'NL-DPS-SCOPE': entry(
    'transient',
    'DPS answered "server unavailable" (CONNACK 3): an outage, or an ID scope that does not exist.',
    'If it lasts, check dps.id_scope.',
  ),
  'NL-DPS-THROTTLED': entry('transient', 'DPS is throttling (429).', itself),
  'NL-DPS-CONFLICT': entry('transient', 'Another registration of the same device was in flight (409).', itself),
  'NL-DPS-SERVER': entry('transient', 'DPS answered with a server error (5xx).', itself),
  'NL-DPS-BODY': entry('transient', 'DPS sent an answer that is empty, not JSON, or has no status.', itself),
  'NL-DPS-UNREACHABLE': entry(
    'transient',
    'DPS cannot be reached.',
    'Check the network, DNS and the firewall (port 8883) with `newleaf check`.',
  ),
  'NL-DPS-TIMEOUT': entry('transient', 'DPS did not finish the registration in time.', itself),
  'NL-DPS-UNTRUSTED': entry(
    'transient',
    "The DPS endpoint's certificate is not trusted: a TLS-inspecting proxy, a captive portal, or a new root.",
    'Check trust.ca_file and the network with `newleaf check`.',
  ),
  'NL-HUB-REJECTED': entry(
    'refused',
    'The hub refused the identity (CONNACK 2, 4 or 5).',
    'Operator, if it lasts: look at the device in the hub. newleaf registers again with DPS by itself.',
  ),
  'NL-HUB-UNAVAILABLE': entry('transient', 'The hub answered "unavailable" (CONNACK 1 or 3).', itself),
  'NL-HUB-UNREACHABLE': entry(
    'transient',
    'The hub cannot be reached.',
    'Check the network, DNS and the firewall (port 8883) with `newleaf check`.',
  ),
  'NL-HUB-UNTRUSTED': entry(
    'transient',
    "The hub's certificate is not trusted: a TLS-inspecting proxy, a captive portal, or a new root.",
    'Check trust.ca_file and the network with `newleaf check`.',
  ),
  'NL-HUB-CLOSED': entry(
    'transient',
    'The connection ended before the hub said anything about the identity (no CONNACK).',
    'If it lasts and the leaf has not expired, check the network and the firewall with `newleaf check`.',
  ),
  'NL-HUB-LOST': entry('transient', 'The session with the hub ended.', itself),
  'NL-HUB-TWIN': entry('transient', 'The hub accepted the connection but did not answer the twin read.', itself),
  'NL-HUB-FLAPPING': entry(
    'transient',
    'The hub ends the session again and again shortly after accepting it: another client with the same identity, or the daily quota.',
    'Operator: look for a second device with this registration ID, and at the quota of the hub.',
  ),
  'NL-EST-UNREACHABLE': entry(
    'transient',
    'The EST server cannot be reached.',
    'Check issuer.est.url and the network.',
  ),
  'NL-EST-UNTRUSTED': entry('transient', "The EST server's certificate is not trusted.", 'Check issuer.est.ca_file.'),
  'NL-EST-SERVER': entry('transient', 'The EST server answered with a server error (5xx).', itself),
  'NL-EST-WAIT': entry('transient', 'The EST server accepted the request and asks to come back later (202).', itself),
  'NL-EST-BODY': entry(
    'transient',
    'The EST server sent something that is no certificate response (RFC 7030 section 4.2.3).',
    'Operator of the CA: look at the log of the EST server.',
  ),
  'NL-EST-AUTH': entry(
    'refused',
    'The EST server does not accept our credentials (401 or 403).',
    'Check issuer.est.username and password_file, or the bootstrap identity.',
  ),
  'NL-EST-REFUSED': entry(
    'refused',
    'The EST server refused the request.',
    'Operator of the CA: the answer of the server is in the message.',
  ),
  'NL-CMD-WAIT': entry('transient', 'The command asks to come back later (exit code 1 or 5).', itself),
  'NL-CMD-REFUSED': entry(
    'refused',
    'The command refused the request (exit code 2).',
    'Operator of the CA: the reason that the command gave is in the message.',
  ),
  'NL-CMD-UNREACHABLE': entry(
    'transient',
    'The command cannot reach its CA (exit code 3).',
    'If it lasts, run issuer.command.argv by hand.',
  ),
  'NL-CMD-UNCONFIGURED': entry(
    'broken',
    'The command lacks configuration, or does not support what is asked of it (exit code 4 or 6).',
    'Configure the program in issuer.command.argv.',
  ),
  'NL-CMD-FAILED': entry(
    'transient',
    'The command failed, and says nothing about the request.',
    'Run issuer.command.argv by hand; what it wrote to stderr is in the log.',
  ),
  'NL-ISSUER-PERSON': entry(
    'refused',
    'This issuer waits for a person to deliver a leaf.',
    'Run `newleaf csr`, have it signed, then `newleaf install FILE`.',
  ),
  'NL-ISSUER-NEW-KEY': entry(
    'refused',
    'The issuer does not sign another leaf for this key.',
    'Set leaf.rotate_key = true, or run `newleaf csr --new-key`.',
  ),
  'NL-LEAF-EXPIRING': entry(
    'transient',
    'The current leaf nears its end, and its renewal is overdue.',
    'See with `newleaf status` why no new leaf has come; `newleaf roll` tries again at once.',
  ),
  'NL-LEAF-EXPIRED': entry(
    'refused',
    'The current leaf has expired, and no new one has come.',
    'Run `newleaf csr`, have it signed, then `newleaf install FILE`.',
  ),
  'NL-LEAF-PARSE': entry(
    'refused',
    'The issued leaf is not a readable certificate.',
    'Operator of the CA: deliver PEM.',
  ),
  'NL-LEAF-KEY': entry('refused', 'The issued leaf is for another key.', 'Have the CSR of `newleaf csr` signed again.'),
  'NL-LEAF-CN': entry(
    'refused',
    'The CN of the issued leaf is not the registration ID.',
    'Operator of the CA: keep the subject of the CSR.',
  ),
  'NL-LEAF-CA': entry(
    'refused',
    'The issued certificate is that of a CA, not a leaf.',
    'Operator of the CA: issue an end-entity certificate (basicConstraints CA:FALSE).',
  ),
  'NL-LEAF-EKU': entry(
    'refused',
    'The issued leaf may not be used for client authentication.',
    'Operator of the CA: allow clientAuth in the extended key usage.',
  ),
  'NL-LEAF-VALIDITY': entry(
    'refused',
    'The issued leaf has expired, or is due for renewal already.',
    'Operator of the CA: issue a longer lifetime; or lower leaf.renew_at.',
  ),
  'NL-LEAF-NOT-YET': entry(
    'transient',
    'The issued leaf is not valid yet by the clock of this gateway.',
    'Check the clock with `timedatectl`.',
  ),
  'NL-LEAF-CHAIN': entry(
    'refused',
    'The issued chain does not link up by signature.',
    'Operator of the CA: deliver the leaf and its intermediates.',
  ),
  'NL-LEAF-WEAK': entry(
    'refused',
    'The key or the signature of the issued chain is too weak.',
    'Operator of the CA: RSA of 2048 bits or more, SHA-256 or better.',
  ),
  'NL-TOKEN-MODULE': entry(
    'broken',
    'The PKCS#11 module cannot be loaded.',
    'Check hsm.module, and that its package is installed.',
  ),
  'NL-TOKEN-ENGINE': entry(
    'broken',
    "OpenSSL's PKCS#11 engine is not installed.",
    'Run `apt-get install libengine-pkcs11-openssl`.',
  ),
  'NL-TOKEN-MISSING': entry(
    'broken',
    'The token is not there, or more than one matches.',
    'Check hsm.token against `pkcs11-tool --module MODULE -L`.',
  ),
  'NL-TOKEN-PIN': entry(
    'broken',
    'The token refused the PIN. It was tried once and will not be tried again until the PIN changes.',
    'Put the right PIN into hsm.pin_file, then restart newleaf.',
  ),
  'NL-TOKEN-PIN-LOCKED': entry(
    'broken',
    'The PIN of the token is locked.',
    'Unlock it with the SO PIN (the vendor tool, or `pkcs11-tool --init-pin`), then restart newleaf.',
  ),
  'NL-TOKEN-PIN-FILE': entry(
    'broken',
    'The PIN cannot be read, or is empty.',
    'Check hsm.pin_file and its permissions.',
  ),
  'NL-TOKEN-KEY': entry(
    'broken',
    'The key of the leaf is not in the token.',
    'Is it the right token? See `newleaf check`.',
  ),
  'NL-TOKEN-OCCUPIED': entry(
    'broken',
    'The slot for the next key holds an object that newleaf did not make for this purpose.',
    'Look at it with `pkcs11-tool -O`, and remove it if nothing needs it.',
  ),
  'NL-TOKEN-FAILED': entry(
    'broken',
    'The token refused an operation.',
    'See `newleaf check`; the CKR code is in the message.',
  ),
  'NL-TOKEN-POISONED': entry(
    'broken',
    'The PKCS#11 module lost its state (token reset or pulled). newleaf restarts itself.',
    'If it happens again and again, check the token and its daemon with `newleaf check`.',
  ),
  'NL-CONFIG': entry(
    'broken',
    'The configuration is wrong.',
    'Correct the line named in the message; `newleaf config` shows what is in force.',
  ),
  'NL-STATE-CORRUPT': entry(
    'broken',
    'The state file is damaged. Nothing was overwritten or sent.',
    'Restore state.json from a backup; or move it away and run `newleaf init`, which finds the key in the token again.',
  ),
  'NL-STATE-WRITE': entry(
    'broken',
    'The state file cannot be written.',
    'Check free space and permissions of state.directory.',
  ),
  'NL-CLOCK': entry(
    'transient',
    'The clock of this gateway is not credible.',
    'Check NTP with `timedatectl`, or set the clock.',
  ),
  'NL-BUDGET': entry(
    'transient',
    'More requests than the budget allows.',
    'Wait for the time named, or use `newleaf reprovision`.',
  ),
  'NL-BUSY': entry('transient', 'Another request is in flight.', 'Wait for it: `newleaf status --watch`.'),
  'NL-DAEMON-DOWN': entry('transient', 'The daemon does not run.', 'Run `systemctl start newleaf`.'),
  'NL-CONTROL-DENIED': entry(
    'refused',
    'This user may not use the control socket.',
    'Use sudo, or join the group newleaf (`usermod -aG newleaf USER`) and log in again.',
  ),
  'NL-DAEMON-RUNS': entry(
    'broken',
    'Another newleaf already runs on this state directory.',
    'See `systemctl status newleaf`.',
  ),
  'NL-INTERNAL': entry('transient', 'A defect in newleaf.', 'Please report it with the log: `journalctl -u newleaf`.'),
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof CODES;
