import { createHash } from 'node:crypto';
import { parse } from 'smol-toml';
import { objectionTo } from '../../../config/draft.ts';
import { slipIn } from '../../../config/slip.ts';
import { Fault } from '../../../failure/failure.ts';
import { type AziotPlace, aziotPlace } from './aziot-place.ts';

/** The configuration of aziot-identity-service, and of IoT Edge, which has the same file. */
export const AZIOT = '/etc/aziot/config.toml';

/** What newleaf takes over from aziot-identity-service. */
export interface Incumbent {
  /** Answers, under the names of the flags of init. */
  readonly flags: ReadonlyMap<string, string>;
  /** File with what DPS is told besides (JSON). */
  readonly payload: string | undefined;
  readonly estPassword: string | undefined;
  readonly pin: string | undefined;
  /** File with the leaf; undefined with attestation by a TPM. */
  readonly leaf: string | undefined;
  readonly key: AziotPlace | undefined;
  /** What ends with it, each the subject of a sentence with its reason. */
  readonly lost: readonly string[];
  readonly isEdge: boolean;
}

/** A file that was added below /etc/aziot: its principals are programs that use keys, certificates or identities. */
export interface Addition {
  readonly file: string;
  readonly text: string;
}

type Table = { readonly [key: string]: unknown };

/** Sections of the file that IoT Edge alone has (contrib/config/linux/template.toml of Azure/iotedge). */
const OF_EDGE = ['agent', 'edge_ca', 'moby_runtime', 'connect', 'listen', 'watchdog', 'auto_reprovisioning_mode'];

const HOME = '/var/lib/aziot';

/**
 * Reads the configuration. Pure: no file that it names is opened.
 * @param additions the files of `<daemon>/config.d`
 * @throws Fault NL-CONFIG for what newleaf cannot take over, with the reason
 */
export function incumbentIn(text: string, additions: readonly Addition[] = [], file = AZIOT): Incumbent {
  const config = tomlOf(text, file);
  const provisioning = tableAt(config, 'provisioning');
  const attestation = tableAt(provisioning, 'attestation');
  demandTakeable(config, provisioning, attestation, file);
  const method = textAt(attestation, 'method');
  const flags = new Map<string, string>();
  const set = (flag: string, value: string | undefined) => value !== undefined && flags.set(flag, value);
  set('id-scope', textAt(provisioning, 'id_scope'));
  set('endpoint', hostOf(textAt(provisioning, 'global_endpoint')));
  set('registration-id', textAt(attestation, 'registration_id'));
  set('attestation', method);
  const isEdge = OF_EDGE.some((name) => config[name] !== undefined);
  const payload = fileAt(tableAt(provisioning, 'payload'), 'uri', file);
  const lost = lostIn(config, additions, isEdge);
  const common = { flags, payload, lost, isEdge };
  if (method === 'tpm') return { ...common, estPassword: undefined, pin: undefined, leaf: undefined, key: undefined };

  const keys = tableAt(config, 'aziot_keys');
  set('module', textAt(keys, 'pkcs11_lib_path'));
  const identity = identityIn(attestation, keys, file);
  const est = estIn(config, attestation, file);
  for (const [flag, value] of est.flags) set(flag, value);
  if (identity.key !== undefined && 'uri' in identity.key) set('token', identity.key.token);
  const base = aziotPlace(textAt(keys, 'pkcs11_base_slot') ?? '');
  const pin = [identity.key, base].flatMap((one) => (one !== undefined && 'uri' in one ? (one.pin ?? []) : []))[0];
  return { ...common, lost: [...lost, ...est.lost], estPassword: est.password, pin, ...identity };
}

function demandTakeable(config: Table, provisioning: Table, attestation: Table, file: string): void {
  const refuse = (message: string, advice: string): never => {
    throw new Fault('NL-CONFIG', { message: `${file}: ${message} Nothing was touched.`, advice });
  };
  const source = textAt(provisioning, 'source');
  if (source === undefined) {
    refuse('there is no [provisioning] with a source, so this is no configuration that newleaf knows.', BY_HAND);
  }
  if (source !== 'dps') {
    const why = `the device was made by hand in its hub (source = "${source}"), and newleaf registers with DPS.`;
    refuse(why, `Enroll it in DPS with the same name, then: ${BY_HAND}`);
  }
  const method = textAt(attestation, 'method');
  if (method === 'symmetric_key') {
    const why = 'the device proves itself by a symmetric key, which is no leaf, and has no key pair to take over.';
    refuse(why, `Have its enrollment changed to x509, then: ${BY_HAND}`);
  }
  if (method !== 'x509' && method !== 'tpm') {
    refuse(`[provisioning.attestation] has the method "${method ?? 'none'}", which newleaf does not know.`, BY_HAND);
  }
  const setting = ['parent_hostname', 'local_gateway_hostname'].find((key) => textAt(config, key) !== undefined);
  if (setting !== undefined) {
    const written = `${setting} = "${textAt(config, setting)}"`;
    const why = `this gateway reaches the cloud through another one (${written}, nested edge), which newleaf cannot.`;
    refuse(why, `Give it a way to the cloud of its own (a proxy, port 443), and take ${setting} out.`);
  }
}

/** The file is that of another program. */
export const CORRECT = 'Correct it there, and run the same `newleaf init` again.';

const BY_HAND = '`newleaf init`, without --adopt';

function identityIn(attestation: Table, keys: Table, file: string): Pick<Incumbent, 'leaf' | 'key'> {
  const { identity_cert: certificate } = attestation;
  if (typeof certificate === 'string') {
    return { leaf: fileAt(attestation, 'identity_cert', file), key: keyAt(attestation, 'identity_pk', file) };
  }
  // It was issued: keyd has made its key, and certd keeps the certificate. In a token the key is called as its ID is.
  const base = aziotPlace(textAt(keys, 'pkcs11_base_slot') ?? '');
  const leaf = `${HOME}/certd/certs/${named('device-id')}.cer`;
  if (base === undefined || 'file' in base)
    return { leaf, key: { file: `${HOME}/keyd/keys/${named('device-id')}.key` } };
  return { leaf, key: { ...base, uri: `${base.uri}${base.token === undefined ? '' : ';'}object=device-id` } };
}

/** As certd and keyd name the files of an ID. */
const named = (id: string): string =>
  `${id.replaceAll(/[^0-9a-z]/gi, '')}-${createHash('sha256').update(id).digest('hex')}`;

/** Who signs from now on. Only EST is an issuer that newleaf can ask, too. */
function estIn(config: Table, attestation: Table, file: string) {
  const flags = new Map<string, string>();
  const lost: string[] = [];
  const est = tableAt(tableAt(config, 'cert_issuance'), 'est');
  const issued = tableAt(attestation, 'identity_cert');
  if (textAt(issued, 'method') === 'local_ca') {
    lost.push('its local CA: newleaf has none, so another issuer signs the next leaf');
  }
  const url =
    textAt(issued, 'url') ?? textAt(tableAt(est, 'urls'), 'device-id') ?? textAt(tableAt(est, 'urls'), 'default');
  if (url === undefined) return { flags, lost, password: undefined };
  flags.set('issuer', 'est').set('est-url', url);
  const trusted = Array.isArray(est.trusted_certs) ? est.trusted_certs : [];
  const [ca] = trusted;
  const place = typeof ca === 'string' ? aziotPlace(ca) : undefined;
  if (place !== undefined && 'file' in place) flags.set('est-ca', place.file);
  if (trusted.length > 1) lost.push(`all but the first of its ${trusted.length} trusted_certs: put them into one file`);
  const auth = { ...est, ...tableAt(est, 'auth'), ...tableAt(issued, 'auth') };
  const user = textAt(auth, 'username');
  if (user !== undefined) flags.set('est-user', user);
  for (const prefix of ['bootstrap_identity', 'identity']) {
    const key = keyAt(auth, `${prefix}_pk`, file);
    const certificate = fileAt(auth, `${prefix}_cert`, file);
    if (key === undefined || certificate === undefined || flags.has('bootstrap-key')) continue;
    flags.set('bootstrap-cert', certificate).set('bootstrap-key', 'uri' in key ? key.uri : key.file);
  }
  const threshold = textAt(tableAt(issued, 'auto_renew'), 'threshold');
  if (threshold?.endsWith('%') === true && objectionTo('leaf.renew_at', threshold) === undefined) {
    flags.set('renew-at', threshold);
  }
  return { flags, lost, password: user === undefined ? undefined : textAt(auth, 'password') };
}

function lostIn(config: Table, additions: readonly Addition[], isEdge: boolean): readonly string[] {
  const others = additions.flatMap(({ file, text }) => {
    const principals = tomlOf(text, file).principal;
    return Array.isArray(principals) && principals.length > 0 ? [file] : [];
  });
  return [
    ...(isEdge ? ['IoT Edge with all its modules (containers): newleaf runs none, and they end with it'] : []),
    ...(config.edge_ca === undefined
      ? []
      : ['the certificates that IoT Edge issues for modules and devices behind it']),
    ...(tableAt(config, 'cert_issuance').local_ca === undefined ? [] : ['the certificates that its local CA issues']),
    ...(config.localid === undefined ? [] : ['its local identities ([localid])']),
    ...others.map((file) => `what the programs of ${file} get from it: module identities, keys or certificates`),
  ];
}

function tomlOf(text: string, file: string): Table {
  try {
    return parse(text);
  } catch (cause) {
    // The example of a section is one that this file has.
    const slip = slipIn(text, file, cause).replace('[dps]', '[provisioning]');
    const message = `${slip} Nothing was touched.`;
    throw new Fault('NL-CONFIG', { message, advice: CORRECT });
  }
}

function tableAt(table: Table, key: string): Table {
  const found = table[key];
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Table) : {};
}

function textAt(table: Table, key: string): string | undefined {
  const found = table[key];
  return typeof found === 'string' ? found : undefined;
}

/** @throws Fault NL-CONFIG where it is neither a file: nor a pkcs11: URI; the value may hold a PIN, and is not shown */
function keyAt(table: Table, key: string, file: string): AziotPlace | undefined {
  const written = textAt(table, key);
  if (written === undefined) return undefined;
  const place = aziotPlace(written);
  if (place !== undefined) return place;
  const message = `${file}: ${key} is neither a file: nor a pkcs11: URI. Nothing was touched.`;
  throw new Fault('NL-CONFIG', { message, advice: CORRECT });
}

function fileAt(table: Table, key: string, file: string): string | undefined {
  const place = keyAt(table, key, file);
  return place !== undefined && 'file' in place ? place.file : undefined;
}

/** "https://global.azure-devices-provisioning.net/" */
function hostOf(url: string | undefined): string | undefined {
  return url === undefined || !URL.canParse(url) ? url : new URL(url).host;
}
