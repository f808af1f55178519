import { flagged, valued } from './kit/tool.ts';

/** The questions of `newleaf init`, each as a flag. */
export const INIT_OPTIONS = {
  yes: flagged('Ask nothing: take flags, what is configured, and defaults.'),
  ask: flagged('Ask everything, also where the configuration is complete.'),
  wait: flagged('With --yes: wait for the person who enrolls or signs the leaf.'),
  timeout: valued('TIME', 'With --yes: end by then, as in 90s or 10min. Default: 2min, and --wait has no end.'),
  adopt: valued(
    'FROM',
    'Take over the identity that is here: aziot, token (a key in it), or a file with the leaf (PEM).',
  ),
  'adopt-key': valued('FILE', 'Its key (PEM), where it is not in the file of the leaf.'),
  'id-scope': valued('SCOPE', 'ID scope of the DPS instance.'),
  'registration-id': valued('ID', 'Registration ID and CN. Default: the host name.'),
  endpoint: valued('HOST', 'DPS endpoint. Default: that of the Azure cloud.'),
  'trust-ca': valued('FILE', 'CAs of DPS and hubs (PEM). Default: those of the system.'),
  attestation: valued('HOW', 'How this device proves itself: x509, or tpm, which needs no leaf. Default: x509.'),
  'tpm-device': valued('FILE', 'With tpm: the TPM. Default: /dev/tpmrm0.'),
  issuer: valued('KIND', 'Who signs: est, command, inbox or hub.'),
  'est-url': valued('URL', 'The EST server.'),
  'est-ca': valued('FILE', 'CA of its certificate (PEM).'),
  'est-user': valued('NAME', 'User name for the first enrolment.'),
  'est-password-file': valued('FILE', 'File with its password; copied where only root can read it.'),
  'bootstrap-cert': valued('PLACE', 'Certificate for the first enrolment: a file, or a pkcs11: URI.'),
  'bootstrap-key': valued('PLACE', 'Its key.'),
  command: valued('LINE', 'Program that gets the CSR, with its arguments.'),
  'renew-at': valued('WHEN', 'Share of the lifetime, or time left. Default: 66%.'),
  module: valued('FILE', 'PKCS#11 module, where it is not found by itself.'),
  token: valued('LABEL', 'The token, by label or pkcs11: URI. Default: the only one.'),
  'new-token': valued('KIND', 'Have a token made, unless that has been done: softhsm or tpm.'),
  'pin-file': valued('FILE', 'File with the PIN of the token; - is stdin.'),
} as const;
