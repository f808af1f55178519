import { isIPv6 } from 'node:net';
import { array, check, nonEmpty, pipe, string } from 'valibot';
import { choice, type Kind, text } from './kinds.ts';

const LABEL = '[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
const HOST = new RegExp(`^(?=.{1,260}$)(${LABEL}(\\.${LABEL})*|\\[[0-9A-Fa-f:.]+\\])(:(?<port>\\d{1,5}))?$`);

/** A name or an address, with a port where it is not 8883. */
export const host: Kind<string> = {
  type: 'text',
  range: 'a host or host:port',
  read: pipe(
    string('must be a host or host:port'),
    check(isHost, 'must be a host or host:port, without a scheme or a path'),
  ),
};

function isHost(written: string): boolean {
  const found = HOST.exec(written);
  const port = Number(found?.groups?.port ?? 8883);
  return found !== null && port >= 1 && port <= 65_535;
}

const HUB_NAME = new RegExp(`^(?=.{1,253}$)\\.?${LABEL}(\\.${LABEL})*$`);

/** Hosts; an entry that begins with a dot is a suffix. */
export const hubNames: Kind<readonly string[]> = {
  type: 'list of texts',
  range: 'a list of hosts ("my-hub.azure-devices.net") and ends of hosts (".azure-devices.net")',
  read: pipe(
    array(string('must be a list of texts'), 'must be a list of texts'),
    nonEmpty('must name a host; without the setting DPS may assign any'),
    check(
      (written) => written.every((one) => HUB_NAME.test(one)),
      'must be names of hosts, or ends of them that begin with a dot (".azure-devices.net"): no scheme, no port, no *',
    ),
  ),
};

/** The same, and none at all. */
export const hostNames: Kind<readonly string[]> = {
  type: 'list of texts',
  range: 'a list of hosts ("ca.example.com", "192.0.2.7", "2001:db8::7") and ends of hosts (".example.com")',
  read: pipe(
    array(string('must be a list of texts'), 'must be a list of texts'),
    check(
      (written) => written.every((one) => HUB_NAME.test(one) || isAddress(one)),
      'must be names or addresses of hosts, or ends of names that begin with a dot (".example.com"): no scheme, no port, no *, no range',
    ),
  ),
};

/** Names of this gateway itself. */
export const ownNames: Kind<readonly string[]> = {
  type: 'list of texts',
  range: 'a list of host names ("newleaf", "gateway.local")',
  read: pipe(
    array(string('must be a list of texts'), 'must be a list of texts'),
    nonEmpty('must name a host; without the setting it is the host name'),
    check(
      (written) => written.every((one) => HUB_NAME.test(one) && !one.startsWith('.')),
      'must be names of this gateway: no scheme, no port, no *',
    ),
  ),
};

/** An IPv6 address, with or without brackets. A zone (`%eth0`) is of no use to a proxy. */
const isAddress = (written: string): boolean => !written.includes('%') && isIPv6(written.replace(/^\[(.*)\]$/, '$1'));

/** The ID scope is a part of the MQTT username, `{idScope}/registrations/…`: a slash in it would change the meaning. */
export const idScope = text('the ID scope as the portal shows it: letters and digits only', /^[0-9A-Za-z]{1,64}$/);

/**
 * "alphanumerics plus `-` `.` `_` `:`; last char alphanumeric or `-`" (Microsoft, concepts-service), and at most 64 as it is
 * the CN of the leaf (ub-common-name, RFC 5280 appendix A.1).
 */
export const registrationId = text(
  '1 to 64 letters, digits, and the characters "-", ".", "_" and ":", with a letter, a digit or "-" at the end',
  /^[A-Za-z0-9._:-]{0,63}[A-Za-z0-9-]$/,
);

/** Microsoft writes them as dates. */
export const apiVersion = text('a date ("2026-11-01"), perhaps with "-preview"', /^\d{4}-\d{2}-\d{2}(-preview)?$/);

/** No symmetric keys from a file: the point of newleaf is a key that cannot be copied. */
export const attestation = choice(['x509', 'tpm']);

/** TCP is for a TPM simulator, such as swtpm, on this machine only: newleaf believes the program that answers there. */
export const tpmDevice = text(
  'a device file, or host:port of a TPM simulator on this machine',
  /^(\/[^\0]+|(127(\.\d{1,3}){3}|localhost|\[::1\]):[1-9]\d{0,4})$/,
);

/** Programs of other machines have other identities: an address of this gateway's network is for its containers. */
export const listenAddress = text(
  'an address of this machine with a port ("127.0.0.1:8883")',
  /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9A-Fa-f:.]{2,39}\]):[1-9]\d{0,4}$/,
);

/** CK_TOKEN_INFO has 32 bytes for the label (PKCS#11 3.0, section 3.2). */
export const tokenLabel: Kind<string> = {
  type: 'text',
  range: '1 to 32 bytes',
  read: pipe(
    string('must be the label of a token'),
    check(
      (written) => written !== '' && Buffer.byteLength(written) <= 32,
      'must be the label of a token, 1 to 32 bytes',
    ),
  ),
};

const WANTED_EST = 'must be a URL that begins with https://, as https://ca.example.com/.well-known/est';

/** RFC 7030 section 3.3: "HTTPS MUST be used". */
export const estUrl: Kind<string> = {
  type: 'URL',
  range: 'an https URL',
  read: pipe(
    string(WANTED_EST),
    check(
      (written) => !/^http:/i.test(written),
      'must begin with https://, not http://, as EST proves the server by TLS: over http any server could answer with a leaf (RFC 7030 section 3.3)',
    ),
    check((written) => /^https:\/\//i.test(written) && URL.canParse(written), WANTED_EST),
    check(
      (written) => new URL(written).username === '' && new URL(written).password === '',
      'must not hold credentials: use issuer.est.username and password_file',
    ),
    check((written) => !/[?#]/.test(written), 'must end with the path, without ? or #'),
  ),
};

const WANTED = 'must be "http://host:port", the HTTP proxy by CONNECT: no https, no path';

/** The connection to the proxy is not secret: what goes through it is TLS. */
export const proxyUrl: Kind<string> = {
  type: 'URL',
  range: 'an http URL with host and port',
  read: pipe(
    string('must be an http URL'),
    check((written) => URL.canParse(written) && new URL(written).protocol === 'http:', WANTED),
    check(
      (written) => new URL(written).username === '' && new URL(written).password === '',
      'must not hold a user name or a password: use network.proxy_username and proxy_password_file',
    ),
    check((written) => /^http:\/\/[^/?#]+\/?$/i.test(written), WANTED),
  ),
};
