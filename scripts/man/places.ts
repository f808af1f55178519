import { DEFAULT_PATH } from '../../agent/config/config.ts';
import { SCHEMA } from '../../agent/config/schema.ts';

const state = SCHEMA.state.directory.standard;

/** The files of a gateway at their default places, and their purpose. */
export const FILES: Readonly<Record<string, string>> = {
  [DEFAULT_PATH]: 'The configuration.',
  [`${state}/state.json`]:
    'All that newleaf knows, in one file. Missing: a new gateway. Damaged: refused with exit code 4.',
  [`${state}/leaf.pem`]: 'The current leaf, for others to read.',
  [`${state}/chain.pem`]: 'The current leaf and its intermediates, for others to read.',
  [`${state}/next.pem`]: 'A candidate that waits for its enrollment.',
  [`${state}/csr/`]: 'The CSRs of the keys that are in use.',
  [`${state}/inbox/`]: 'A leaf that is put here is verified, and installed or rejected.',
  [`${state}/rejected/`]: 'Rejected files, each with its reason beside it: the newest 20.',
  [`${state}/ended.json`]:
    'Why the daemon has ended by a fault; removed when that is over, or when it has run for an hour again.',
  [`${state}/refused-pin.json`]: 'A refused PIN by its digest, so that it is not tried again; not the PIN itself.',
  [`${state}/token-uri`]: 'Which token has worked: where another gets the same label, newleaf goes on with this one.',
  [`${state}/authorities.pem`]:
    'Which CAs of `trust.ca_file` have vouched for DPS and hub: the next start reads these first, and all where they are not enough.',
  [`${state}/tpm-next-key`]: 'With a TPM: the key that the hub has not accepted yet; only this TPM can open it.',
  [`${state}/uplink/`]: 'The programs that send through newleaf: their keys, and the messages that wait.',
  [`${state}/daemon.lock`]: 'A lock: while a daemon holds it (flock), no other newleaf starts on this state.',
  [`${state}/init.lock`]: 'The same for `init`: one works on this state.',
  [String(SCHEMA.control.socket.standard)]:
    'The control socket: HTTP and JSON, for the commands and for monitoring (/metrics).',
  [`${SCHEMA.uplink.sockets.standard}/NAME/mqtt.sock`]: 'The socket of a program.',
  [`${SCHEMA.uplink.sockets.standard}/ca.pem`]: 'The CA that programs with a key must trust.',
  '/etc/tmpfiles.d/newleaf-uplink-NAME.conf': 'Makes the directory of that socket at boot.',
};

/** Variables that every screen depends on. */
export const SCREEN: Readonly<Record<string, string>> = {
  NO_COLOR: 'Not empty: no colours.',
  'LC_ALL, LC_CTYPE, LANG': 'Symbols on the screen only in a UTF-8 locale.',
};

/** Variables that newleaf reads. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  NEWLEAF_CONFIG: 'The configuration, where --config does not name one.',
  CREDENTIALS_DIRECTORY: 'Set by systemd: the PIN is the credential hsm-pin, where hsm.pin_file is not set.',
  RUNTIME_DIRECTORY:
    'Set by systemd: where the PIN is for a moment, on its way to OpenSSL, and when newleaf was started.',
  ...SCREEN,
};
