import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { csr } from '../../hsm/csr.ts';
import { PinRecord } from '../../hsm/pin-record.ts';

/** A file below the state directory, by its path there. */
export type Files = ReadonlyMap<string, Buffer>;

export interface Change {
  readonly how: string;
  readonly bytes: Buffer;
}

/** All that is kept, but for what the kernel reads: locks are empty, and sockets no files. */
export function filesIn(directory: string): Files {
  const found = existsSync(directory) ? readdirSync(directory, { recursive: true, withFileTypes: true }) : [];
  const paths = found
    .filter((one) => one.isFile() && !one.name.endsWith('.lock'))
    .map((one) => join(one.parentPath, one.name));
  return new Map(paths.sort().map((path) => [relative(directory, path), readFileSync(path)]));
}

/** The same file of any gateway: without its ID, and those of its keys and segments. */
export const kindOf = (path: string): string =>
  path
    .replaceAll(/gw-\d+/g, 'ID')
    .replaceAll(/[0-9a-f]{16,}/g, 'KEY')
    .replaceAll(/\d{6,}/g, 'N');

function flipped(bytes: Buffer, part: number): Change {
  const changed = Buffer.from(bytes);
  const at = Math.floor((bytes.length - 1) * part);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return { how: `bit at ${Math.round(part * 100)} %`, bytes: changed };
}

/** Journal entries that newleaf could have written. */
function entries(bytes: Buffer): readonly Change[] {
  const file = JSON.parse(bytes.toString());
  const but = (how: string, change: (entry: Entry) => void): Change => {
    const entry = structuredClone(file.entry);
    change(entry);
    const digest = createHash('sha256').update(JSON.stringify(entry)).digest('hex');
    return { how, bytes: Buffer.from(JSON.stringify({ ...file, entry, digest })) };
  };
  return [
    but('another hub', ({ at }) => at.current && Object.assign(at.current, { hub: 'localhost:1' })),
    but(
      'the current key has another id',
      ({ current }) => current && Object.assign(current.key, { id: 'ab'.repeat(16) }),
    ),
    but(
      'the current key has the other slot',
      ({ current }) => current && Object.assign(current.key, { slot: current.key.slot === 'a' ? 'b' : 'a' }),
    ),
    but('another thumbprint', ({ current }) => current && Object.assign(current, { thumbprint: 'AB'.repeat(32) })),
    but(
      'a leaf that has ended',
      ({ current }) => current && Object.assign(current, { notAfter: current.notBefore + 60_000 }),
    ),
    but('a leaf of another name', ({ current }) => current && Object.assign(current, { cn: 'gw-9999' })),
    but(
      'a chain without its end',
      ({ current }) => current && Object.assign(current, { chain: current.chain.slice(0, -60) }),
    ),
    but(
      'a chain with a bit turned',
      ({ current }) => current && Object.assign(current, { chain: turned(current.chain) }),
    ),
    but('a candidate with another id', ({ next }) => next && Object.assign(next.key, { id: 'cd'.repeat(16) })),
    but(
      'a candidate with the current key',
      ({ current, next }) => current && next && Object.assign(next, { key: current.key }),
    ),
    but(
      'a chain of the candidate with a bit turned',
      ({ next }) => next?.leaf && Object.assign(next.leaf, { chain: turned(next.leaf.chain) }),
    ),
    but('the current key among the old', ({ current, old }) => current && old.push({ ...current.key })),
    but('seen in a year from now', (entry) => Object.assign(entry, { lastSeen: Date.now() + 365 * 86_400_000 })),
  ];
}
const turned = (pem: string) => `${pem.slice(0, 400)}${pem[400] === 'A' ? 'B' : 'A'}${pem.slice(401)}`;

interface Entry {
  readonly current?: { readonly key: { slot: string; id: string }; readonly chain: string; readonly notBefore: number };
  readonly next?: { readonly key: object; readonly leaf?: { chain: string } };
  readonly at: { readonly current?: object };
  readonly old: object[];
}

/** A request by a key that is in no token. */
async function request(cn: string): Promise<Buffer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const key = { label: '', id: '', spki, keyType: 'ec-p256' } as const;
  return Buffer.from(await csr(cn, key, async (message) => sign('sha256', message, privateKey)));
}

const json = (bytes: Buffer, change: object) =>
  Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), ...change }));

/** Contents that are well-formed, and wrong. */
async function others(path: string, bytes: Buffer, chain: Buffer): Promise<readonly Change[]> {
  if (path === 'state.json') return entries(bytes);
  if (path.startsWith('csr/'))
    return [
      { how: 'of another key', bytes: await request('gw-0001') },
      { how: 'of another key and name', bytes: await request('gw-0002') },
    ];
  if (path.endsWith('.pem')) return [{ how: 'a chain of another CA', bytes: chain }];
  if (path === 'token-uri')
    return [{ how: 'of another token', bytes: Buffer.from('pkcs11:token=newleaf;serial=0000\n') }];
  if (path.endsWith('/key')) return [{ how: 'another key', bytes: keyText(Buffer.alloc(32, 7).toString('base64')) }];
  if (path === 'azure-requests')
    return [{ how: 'asked tomorrow', bytes: json(bytes, { asked: Array(9).fill(Date.now() + 86_400_000) }) }];
  if (path.endsWith('program.json') && bytes.toString().startsWith('{"name":'))
    return [{ how: 'other values', bytes: json(bytes, { name: 'other', session: 7, subscriptions: 'none' }) }];
  if (path === 'crashed') return [{ how: 'another end', bytes: Buffer.from('watchdog\n') }];
  if (path === 'ended.json')
    return [
      { how: 'another code', bytes: json(bytes, { code: 'NL-TOKEN-PIN', times: -1 }) },
      { how: 'crashed often', bytes: json(bytes, { times: 99 }) },
    ];
  if (path === 'refused-pin.json')
    return [
      { how: 'none', bytes: Buffer.from('[]') },
      { how: 'of another token', bytes: Buffer.from(bytes.toString().replace('serial', 'number')) },
      { how: 'of the right PIN', bytes: await rightPin(bytes) },
    ];
  return [];
}

/** Says of the PIN of the gateway what it says of another. */
async function rightPin(bytes: Buffer): Promise<Buffer> {
  const [{ token, code }] = JSON.parse(bytes.toString());
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-kept-'));
  try {
    await new PinRecord(directory).refused('1234', token, code);
    return readFileSync(join(directory, 'refused-pin.json'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
const keyText = (key: string) => Buffer.from(`${key} ${createHash('sha256').update(key).digest('hex')}\n`);

/** @param stranger the files of another gateway in the same moment @param chain of another CA */
export async function changesOf(
  path: string,
  bytes: Buffer,
  stranger: Files,
  chain: Buffer,
): Promise<readonly Change[]> {
  const same = [...stranger].find(([name]) => kindOf(name) === kindOf(path))?.[1];
  const entry = path === 'state.json' && same !== undefined ? renamed(same) : [];
  return [
    ...(bytes.length === 0 ? [] : [0.1, 0.5, 0.9].map((part) => flipped(bytes, part))),
    ...(await others(path, bytes, chain)).filter((one) => !one.bytes.equals(bytes)),
    ...(same === undefined || same.equals(bytes) ? [] : [{ how: 'of another gateway', bytes: same }]),
    ...entry,
  ];
}

/** A gateway that was cloned: it has the name of this one, and other keys. */
function renamed(bytes: Buffer): readonly Change[] {
  const { entry, ...file } = JSON.parse(bytes.toString().replaceAll('gw-0002', 'gw-0001'));
  const digest = createHash('sha256').update(JSON.stringify(entry)).digest('hex');
  return [{ how: 'of another gateway with its name', bytes: Buffer.from(JSON.stringify({ ...file, entry, digest })) }];
}
