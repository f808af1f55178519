import { isIP } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { TokenError } from './ckr.ts';
import { sequence, tlv, utf8 } from './der.ts';

export interface HelperWords {
  readonly module: string;
  /** Of the private key; its pin-source is descriptor 4. */
  readonly uri: string;
  readonly chain: string;
  readonly ca: string;
  readonly maxVersion: SecureVersion | undefined;
  /** An RSA key that signs by PKCS#1 and not by PSS, so in TLS 1.2 only (RFC 8446 section 4.2.3). */
  readonly isPkcs1: boolean;
  readonly host: string;
  /** A socket that leads to the host. */
  readonly path: string;
}

const VISIBLE_STRING = 0x1a;
const PKCS1 = ['sslVersionMax = TLSv1.2', 'config = ClientSignatureAlgorithms:RSA+SHA256'];

/** The three texts for one stunnel. @throws TokenError HELPER_WORD for a value that would be more than one line */
export function settingsOf(provider: string, { module, uri, host, path, maxVersion, isPkcs1 }: HelperWords) {
  // The host comes from DPS: a line break in it would be a setting.
  for (const word of [provider, module, host, path]) {
    if (!/^[\w.:/@+-]+$/.test(word)) {
      throw new TokenError('failed', 'HELPER_WORD', `stunnel cannot be given ${JSON.stringify(word)}`);
    }
  }
  const isAddress = isIP(host) !== 0;
  const stunnel = [
    'foreground = yes',
    'syslog = no',
    'debug = info',
    'client = yes',
    `connect = ${path}`,
    'cert = /proc/self/fd/5',
    'CAfile = /proc/self/fd/6',
    'key = /proc/self/fd/7',
    'verifyChain = yes',
    `${isAddress ? 'checkIP' : 'checkHost'} = ${host}`,
    isAddress ? 'sni =' : `sni = ${host}`,
    'sslVersionMin = TLSv1.2',
    ...(isPkcs1 ? PKCS1 : maxVersion === undefined ? [] : [`sslVersionMax = ${maxVersion}`]),
    'TIMEOUTclose = 0',
    '',
  ].join('\n');
  const der = sequence(tlv(VISIBLE_STRING, Buffer.from('PKCS#11 Provider URI v1.0')), utf8(uri));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  const key = ['-----BEGIN PKCS#11 PROVIDER URI-----', ...lines, '-----END PKCS#11 PROVIDER URI-----', ''].join('\n');
  // no-deinit: without it pkcs11-provider 1.0 crashes at the exit of the process.
  const openssl = [
    'openssl_conf = all',
    '[all]',
    'providers = providers',
    '[providers]',
    'default = built-in',
    'pkcs11 = token',
    '[built-in]',
    'activate = 1',
    '[token]',
    `module = ${provider}`,
    `pkcs11-module-path = ${module}`,
    'pkcs11-module-quirks = no-deinit',
    'activate = 1',
    '',
  ].join('\n');
  return { stunnel, key, openssl };
}
