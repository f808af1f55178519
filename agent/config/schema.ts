import {
  argv,
  choice,
  count,
  duration,
  flag,
  type Kind,
  path,
  pathOrPkcs11Uri,
  pkcs11Uri,
  renewalMoment,
  size,
  socketPath,
  table,
  text,
} from './kinds.ts';
import {
  apiVersion,
  attestation,
  estUrl,
  host,
  hostNames,
  hubNames,
  idScope,
  listenAddress,
  ownNames,
  proxyUrl,
  registrationId,
  tokenLabel,
  tpmDevice,
} from './names.ts';

/** A value as TOML has it. */
export type Written = string | number | boolean | Date | readonly Written[] | { readonly [key: string]: Written };

export interface Setting<T> extends Kind<T> {
  readonly meaning: string;
  /** The default, in its TOML form. */
  readonly standard?: Written;
  /** What happens where an optional setting is absent. A setting with neither this nor a default is required. */
  readonly absent?: string;
}

const required = <T>(kind: Kind<T>, meaning: string): Setting<T> => ({ ...kind, meaning });
const standard = <T>(kind: Kind<T>, standard: Written, meaning: string): Setting<T> => ({ ...kind, standard, meaning });
function optional<T>(kind: Kind<T>, absent: string, meaning: string): Setting<T | undefined> {
  return { ...kind, absent, meaning };
}

/** Every setting, once: types, defaults, checks, `newleaf config`, the manual and README.md are derived from it. */
export const SCHEMA = {
  dps: {
    endpoint: standard(host, 'global.azure-devices-provisioning.net', 'The DPS endpoint.'),
    id_scope: required(idScope, 'The ID scope of the DPS instance.'),
    registration_id: required(registrationId, 'The registration ID, and the CN of every leaf.'),
    attestation: standard(attestation, 'x509', 'How the device proves itself: with a leaf, or by its TPM.'),
    payload: optional(table, 'nothing is sent', 'Handed to the custom allocation function.'),
    allowed_hubs: optional(
      hubNames,
      'any',
      'Hosts that DPS may assign: `.azure-devices.net` is every hub below, a name without the dot that one. A gateway stays with the hub it has until it registers again.',
    ),
  },
  hsm: {
    module: required(path, 'The PKCS#11 module.'),
    token: optional(tokenLabel, 'hsm.uri names it', 'Label of the token.'),
    uri: optional(pkcs11Uri, 'hsm.token names it', 'The token by URI, where the label is not unique.'),
    pin_file: optional(path, 'the systemd credential hsm-pin', 'File with the user PIN, mode 0600.'),
    tls: standard(
      choice(['auto', 'engine', 'helper']),
      'auto',
      'What does TLS with the key: the engine of OpenSSL, or stunnel with pkcs11-provider; the engine where it is there, unless it has crashed newleaf twice in a row.',
    ),
    key: optional(pkcs11Uri, 'newleaf makes its own', 'A key that is in the token already; it is never destroyed.'),
    label_prefix: standard(
      text('1 to 28 letters, digits, - and _', /^[A-Za-z0-9_-]{1,28}$/),
      'newleaf',
      'Object labels are this with -a and -b. `newleaf decommission` destroys keys with these labels only.',
    ),
  },
  tpm: {
    device: standard(tpmDevice, '/dev/tpmrm0', 'Where dps.attestation is "tpm": the TPM.'),
  },
  leaf: {
    key_type: optional(
      choice(['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096']),
      'ec-p256; where Azure issues, ec-p384 if the token makes such keys',
      'New keys.',
    ),
    rotate_key: standard(flag, true, 'A new key for each leaf; false renews with the same key.'),
    renew_at: standard(renewalMoment, '66%', 'When to renew.'),
    issuer: required(choice(['est', 'inbox', 'command', 'hub', 'azure']), 'Who signs.'),
  },
  'issuer.est': {
    url: required(estUrl, 'The EST server, with /.well-known/est and a label where it has one.'),
    ca_file: required(path, 'CA of the EST server, PEM.'),
    username: standard(
      text('text without a colon', /^[^:\r\n]*$/),
      '',
      'HTTP Basic, where no leaf is valid: first enrolment, and after expiry.',
    ),
    password_file: optional(path, 'no HTTP Basic', 'File with the password, mode 0600.'),
    bootstrap_cert: optional(pathOrPkcs11Uri, 'no bootstrap identity', 'Certificate for the first enrolment.'),
    bootstrap_key: optional(pathOrPkcs11Uri, 'no bootstrap identity', 'Its key.'),
  },
  'issuer.command': {
    argv: required(argv, 'Gets the CSR (PEM) on stdin, prints the chain (PEM).'),
  },
  'issuer.azure': {
    dps_api_version: standard(
      apiVersion,
      // Azure/azure-iot-sdk sends it with every registration; the first that knew `csr` is 2025-07-01-preview.
      '2026-11-02-preview',
      'How newleaf speaks to DPS. `newleaf check` shows whether DPS knows it.',
    ),
    hub_api_version: standard(
      apiVersion,
      // Of all clients that renew over the hub (azure-iot-sdk-c, -java, -csharp, azure-sdk-for-c).
      '2025-08-01-preview',
      'How newleaf speaks to the hub.',
    ),
  },
  onboarding: {
    key: optional(
      pkcs11Uri,
      'no leaves from Azure',
      'Where leaf.issuer is "azure": the key in the token that DPS knows. No hub ever sees it.',
    ),
    certificate: optional(
      path,
      'the certificate beside the key in the token',
      'Its certificate, PEM, with its intermediates.',
    ),
  },
  trust: {
    ca_file: standard(path, '/etc/ssl/certs/ca-certificates.crt', 'CAs of the DPS and hub servers, PEM.'),
  },
  network: {
    transport: standard(
      choice(['auto', 'mqtt', 'mqtt-ws']),
      'auto',
      'MQTT on port 8883, or in WebSockets on 443. auto: 443 where 8883 gives no answer.',
    ),
    keepalive: standard(
      // 1177 s is the most that a hub allows (iot-mqtt-connect-to-iot-hub, "Default keep-alive timeout").
      duration('15s', '1177s'),
      '180s',
      'From ping to ping on the session with the hub; by itself less where a box on the way ends it before.',
    ),
    proxy: optional(proxyUrl, 'none', 'The HTTP proxy for everything: DPS, hubs and the EST server.'),
    proxy_username: standard(text('text without a colon', /^[^:\r\n]*$/), '', 'Where the proxy asks for a name.'),
    proxy_password_file: optional(path, 'no password', 'File with the password for the proxy, mode 0600.'),
    no_proxy: standard(hostNames, [], 'Hosts that are reached without the proxy; `.example.com` is every host below.'),
  },
  state: {
    directory: standard(path, '/var/lib/newleaf', 'State, leaf.pem, chain.pem, inbox and CSRs.'),
  },
  control: {
    socket: standard(socketPath, '/run/newleaf/control.sock', 'For the commands, mode 0660, group newleaf.'),
  },
  uplink: {
    sockets: standard(path, '/run/newleaf-uplink', 'Directory with a socket for each program of this gateway.'),
    tcp: standard(listenAddress, '127.0.0.1:8883', 'Where programs with a key connect; opened with the first of them.'),
    hosts: optional(
      ownNames,
      'the host name',
      'Names by which programs in other containers reach uplink.tcp: the certificate has them, and the lines to paste the first.',
    ),
    max_bytes: standard(
      size('1MiB', '64GiB'),
      '64MiB',
      'The most bytes on disk that wait for the hub, for each program.',
    ),
    max_age: optional(duration('1min', '3650day'), 'messages wait without end', 'Older messages are dropped.'),
    when_full: standard(
      choice(['refuse', 'drop-oldest']),
      'refuse',
      'What happens to a new message where there is no room: it is refused, or the oldest gives way.',
    ),
    // 883 a second were seen over TLS on two cores.
    rate: standard(
      count(1, 1000),
      20,
      'The most messages a second to the hub, of all programs. 16 are on their way at once: over a link of 50 ms, 320 a second.',
    ),
  },
  log: {
    level: standard(choice(['error', 'warn', 'info', 'debug']), 'info', 'The lowest level that is logged.'),
  },
  limits: {
    requests_per_hour: standard(count(1, 1000), 20, 'Methods, automatic registrations and rolls.'),
    burst: standard(count(1, 1000), 10, 'How many of them at once.'),
    min_roll_interval: standard(
      duration('1s', '1day'),
      '30s',
      'The least time between two rolls that a direct method asks for; a leaf that is due does not wait for it.',
    ),
  },
} as const;

export type SectionName = keyof typeof SCHEMA;

type Section<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** Parsed values, under the names that stand in the file. */
export type Values = { readonly [S in SectionName]: Section<(typeof SCHEMA)[S]> };

/** The settings of a section by name; undefined where there is no such section. */
export function sectionOf(name: string): Readonly<Record<string, Setting<unknown>>> | undefined {
  return Object.hasOwn(SCHEMA, name) ? SCHEMA[name as SectionName] : undefined;
}

export const SECTION_NAMES = Object.keys(SCHEMA) as readonly SectionName[];
