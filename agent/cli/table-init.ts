import { flag, text } from './kit/tool.ts';

/** The questions of `newleaf init`, each as a flag. */
export const INIT_OPTIONS = {
  yes: flag('Ask nothing: take flags, what is configured, and defaults.'),
  ask: flag('Ask everything, also where the configuration is complete.'),
  wait: flag('With --yes: wait for the person who enrolls or signs the leaf.'),
  'id-scope': text('SCOPE', 'ID scope of the DPS instance.'),
  'registration-id': text('ID', 'Registration ID and CN. Default: the host name.'),
  endpoint: text('HOST', 'DPS endpoint. Default: that of the Azure cloud.'),
  'trust-ca': text('FILE', 'CAs of DPS and hubs (PEM). Default: those of the system.'),
  attestation: text('HOW', 'How this device proves itself: x509, or tpm, which needs no leaf. Default: x509.'),
  'tpm-device': text('FILE', 'With tpm: the TPM. Default: /dev/tpmrm0.'),
  issuer: text('KIND', 'Who signs: est, command, inbox or hub.'),
  'est-url': text('URL', 'The EST server.'),
  'est-ca': text('FILE', 'CA of its certificate (PEM).'),
  'est-user': text('NAME', 'User name for the first enrolment.'),
  'est-password-file': text('FILE', 'File with its password; copied where only root can read it.'),
  'bootstrap-cert': text('PLACE', 'Certificate for the first enrolment: a file, or a pkcs11: URI.'),
  'bootstrap-key': text('PLACE', 'Its key.'),
  command: text('LINE', 'Program that gets the CSR, with its arguments.'),
  'renew-at': text('WHEN', 'Share of the lifetime, or time left. Default: 66%.'),
  module: text('FILE', 'PKCS#11 module, where it is not found by itself.'),
  token: text('LABEL', 'The token, by label or pkcs11: URI. Default: the only one.'),
  'new-token': text('KIND', 'Have a token made, unless that has been done: softhsm or tpm.'),
  'pin-file': text('FILE', 'File with the PIN of the token; - is stdin.'),
} as const;
