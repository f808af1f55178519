import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { formatUri } from '../../../../hsm/uri.ts';
import { objectionTo } from '../../../config/draft.ts';
import { slipIn } from '../../../config/slip.ts';
import { refusal } from './pair.ts';

/** Where a key or a certificate of aziot-identity-service is: in a file, or in a token. */
interface AziotPlace {
  readonly file?: string;
  /** For newleaf, without its PIN. */
  readonly uri?: string;
  readonly token?: string | undefined;
  readonly pin?: string | undefined;
}

/**
 * Reads a place as aziot writes it: a file: URI, or a pkcs11: URI with `token`, `slot-id`, `object` and `pin-value`, of which
 * `slot-id` names a token by a number that another module, or the next start, may count otherwise.
 * @returns undefined where it is neither
 */
export function aziotPlace(written: string): AziotPlace | undefined {
  try {
    if (written.startsWith('file:')) return { file: fileURLToPath(written) };
    if (!written.startsWith('pkcs11:')) return undefined;
    const attribute = (name: string) => {
      const [, value] = new RegExp(`[:;?&]${name}=([^;?&]*)`).exec(written) ?? [];
      return value && decodeURIComponent(value);
    };
    const token = attribute('token');
    return { uri: formatUri({ token, object: attribute('object') }), token, pin: attribute('pin-value') };
  } catch {
    // A file on another host, or a % without two hex digits.
    return undefined;
  }
}

/** The configuration of aziot-identity-service, and of IoT Edge, which has the same file. */
export const AZIOT = '/etc/aziot/config.toml';

/** A file that was added below /etc/aziot: its principals are programs that use keys, certificates or identities. */
export interface Addition {
  readonly file: string;
  readonly text: string;
}

/** Sections of the file that IoT Edge alone has (contrib/config/linux/template.toml of Azure/iotedge). */
const OF_EDGE = ['agent', 'edge_ca', 'moby_runtime', 'connect', 'listen', 'watchdog', 'auto_reprovisioning_mode'];

const HOME = '/var/lib/aziot';
const ATTESTATION = 'provisioning.attestation';
const ISSUED = `${ATTESTATION}.identity_cert`;
const EST = 'cert_issuance.est';
/** The later ones give way. */
const EST_AUTH = [`${ISSUED}.auth`, `${EST}.auth`, EST];

/** Reads values by their paths, as `provisioning.source`; one of another kind is none. */
function readerOf(config: object, file: string) {
  const at = (path: string): unknown =>
    path.split('.').reduce<unknown>((table, key) => (table as Record<string, unknown> | undefined)?.[key], config);
  const text = (path: string): string | undefined => {
    const found = at(path);
    return typeof found === 'string' ? found : undefined;
  };
  /** @throws Fault NL-CONFIG where it is neither a file: nor a pkcs11: URI; the value may hold a PIN, and is not shown */
  const place = (path: string): AziotPlace | undefined => {
    const written = text(path);
    const found = written === undefined ? undefined : aziotPlace(written);
    if (written === undefined || found !== undefined) return found;
    throw refusal(`${file}: ${path.split('.').at(-1)} is neither a file: nor a pkcs11: URI.`, CORRECT);
  };
  const auth = (key: string) => EST_AUTH.map((path) => `${path}.${key}`).find((path) => at(path) !== undefined) ?? '';
  return { at, text, place, auth, base: aziotPlace(text('aziot_keys.pkcs11_base_slot') ?? '') };
}

type Reader = ReturnType<typeof readerOf>;

/**
 * Reads the configuration. Pure: no file that it names is opened.
 * @param additions the files of `<daemon>/config.d`
 * @throws Fault NL-CONFIG for what newleaf cannot take over, with the reason
 */
export function incumbentIn(text: string, additions: readonly Addition[] = [], file = AZIOT) {
  const read = readerOf(tomlOf(text, file), file);
  demandTakeable(read, file);
  const method = read.text(`${ATTESTATION}.method`);
  const isEdge = OF_EDGE.some((name) => read.at(name) !== undefined);
  const identity = method === 'tpm' ? {} : identityIn(read);
  const answers = {
    'id-scope': read.text('provisioning.id_scope'),
    endpoint: hostOf(read.text('provisioning.global_endpoint')),
    'registration-id': read.text(`${ATTESTATION}.registration_id`),
    attestation: method,
    ...(method !== 'tpm' && { module: read.text('aziot_keys.pkcs11_lib_path'), ...estIn(read) }),
    token: identity.key?.token,
  };
  const given = Object.entries(answers).filter((one): one is [string, string] => one[1] !== undefined);
  return {
    ...identity,
    /** Answers, under the names of the flags of init. */
    flags: new Map(given),
    /** File with what DPS is told besides (JSON). */
    payload: read.place('provisioning.payload.uri')?.file,
    pin: method === 'tpm' ? undefined : (identity.key?.pin ?? read.base?.pin),
    estPassword: 'est-user' in answers && answers['est-user'] ? read.text(read.auth('password')) : undefined,
    /** What ends with it, each the subject of a sentence with its reason. */
    lost: lostIn(read, additions, isEdge),
    isEdge,
  };
}

export type Incumbent = ReturnType<typeof incumbentIn>;

function demandTakeable({ text }: Reader, file: string): void {
  const refuse = (message: string, advice: string): never => {
    throw refusal(`${file}: ${message}`, advice);
  };
  const source = text('provisioning.source');
  if (source === undefined)
    refuse('there is no [provisioning] with a source, so this is no configuration that newleaf knows.', BY_HAND);
  if (source !== 'dps') {
    const why = `the device was made by hand in its hub (source = "${source}"), and newleaf registers with DPS.`;
    refuse(why, `Enroll it in DPS with the same name, then: ${BY_HAND}`);
  }
  const method = text(`${ATTESTATION}.method`);
  if (method === 'symmetric_key') {
    const why = 'the device proves itself by a symmetric key, which is no leaf, and has no key pair to take over.';
    refuse(why, `Have its enrollment changed to x509, then: ${BY_HAND}`);
  }
  if (method !== 'x509' && method !== 'tpm')
    refuse(`[${ATTESTATION}] has the method "${method ?? 'none'}", which newleaf does not know.`, BY_HAND);
  const setting = ['parent_hostname', 'local_gateway_hostname'].find((key) => text(key) !== undefined);
  if (setting === undefined) return;
  const written = `${setting} = "${text(setting)}"`;
  const why = `this gateway reaches the cloud through another one (${written}, nested edge), which newleaf cannot.`;
  refuse(why, `Give it a way to the cloud of its own (a proxy, port 443), and take ${setting} out.`);
}

/** The file is that of another program. */
export const CORRECT = 'Correct it there, and run the same `newleaf init` again.';

const BY_HAND = '`newleaf init`, without --adopt';

/** The file with the leaf, and where its key is. */
function identityIn({ text, place, base }: Reader): { leaf?: string | undefined; key?: AziotPlace | undefined } {
  if (text(ISSUED) !== undefined) return { leaf: place(ISSUED)?.file, key: place(`${ATTESTATION}.identity_pk`) };
  // It was issued: keyd has made its key, and certd keeps the certificate. In a token the key is called as its ID is.
  const leaf = `${HOME}/certd/certs/${DEVICE_ID}.cer`;
  if (base?.uri === undefined) return { leaf, key: { file: `${HOME}/keyd/keys/${DEVICE_ID}.key` } };
  return { leaf, key: { ...base, uri: `${base.uri}${base.token === undefined ? '' : ';'}object=device-id` } };
}

/** As certd and keyd name the files of the ID `device-id`. */
const DEVICE_ID = `deviceid-${createHash('sha256').update('device-id').digest('hex')}`;

const trustedBy = ({ at }: Reader): readonly unknown[] => [at(`${EST}.trusted_certs`) ?? []].flat();

const estUrl = ({ text }: Reader) =>
  text(`${ISSUED}.url`) ?? text(`${EST}.urls.device-id`) ?? text(`${EST}.urls.default`);

/** Who signs from now on. Only EST is an issuer that newleaf can ask, too. */
function estIn(read: Reader) {
  const { text, place, auth } = read;
  const url = estUrl(read);
  if (url === undefined) return {};
  const [ca] = trustedBy(read);
  const first = ['bootstrap_identity', 'identity'].flatMap((prefix) => {
    const [key, cert] = [place(auth(`${prefix}_pk`)), place(auth(`${prefix}_cert`))?.file];
    return key === undefined || cert === undefined ? [] : [{ key: key.uri ?? key.file, cert }];
  })[0];
  const threshold = text(`${ISSUED}.auto_renew.threshold`) ?? '';
  const isShare = threshold.endsWith('%') && objectionTo('leaf.renew_at', threshold) === undefined;
  return {
    issuer: 'est',
    'est-url': url,
    'est-ca': typeof ca === 'string' ? aziotPlace(ca)?.file : undefined,
    'est-user': text(auth('username')),
    'bootstrap-cert': first?.cert,
    'bootstrap-key': first?.key,
    'renew-at': isShare ? threshold : undefined,
  };
}

function lostIn(read: Reader, additions: readonly Addition[], isEdge: boolean): readonly string[] {
  const { at, text } = read;
  const count = trustedBy(read).length;
  const programs = additions.filter(({ file, text }) => [tomlOf(text, file).principal ?? []].flat().length > 0);
  return [
    isEdge && 'IoT Edge with all its modules (containers): newleaf runs none, and they end with it',
    at('edge_ca') !== undefined && 'the certificates that IoT Edge issues for modules and devices behind it',
    at('cert_issuance.local_ca') !== undefined && 'the certificates that its local CA issues',
    at('localid') !== undefined && 'its local identities ([localid])',
    ...programs.map(({ file }) => `what the programs of ${file} get from it: module identities, keys or certificates`),
    text(`${ISSUED}.method`) === 'local_ca' && 'its local CA: newleaf has none, so another issuer signs the next leaf',
    count > 1 &&
      estUrl(read) !== undefined &&
      `all but the first of its ${count} trusted_certs: put them into one file`,
  ].filter((words) => words !== false);
}

function tomlOf(text: string, file: string) {
  try {
    return parse(text);
  } catch (cause) {
    // The example of a section is one that this file has.
    throw refusal(slipIn(text, file, cause).replace('[dps]', '[provisioning]'), CORRECT);
  }
}

/** "https://global.azure-devices-provisioning.net/" */
const hostOf = (url: string | undefined) => (url === undefined || !URL.canParse(url) ? url : new URL(url).host);
