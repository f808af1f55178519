import {
  constants,
  createCipheriv,
  createHash,
  createHmac,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';

/**
 * What DPS sends to a TPM: a key that only the TPM with this endorsement key can open (TPM 2.0 Part 1, sections 23 and
 * 24), laid out as azure-iot-sdk-c and azure-iot-sdk-node read it.
 *
 *   credential  an AES key, for the endorsement key, bound to the name of the storage root key (MakeCredential)
 *   seed        RSA-OAEP to the endorsement key
 *   duplicate   the HMAC key as a TPM object: inner wrapper by that AES key, outer wrapper for the storage root key
 *   seed        RSA-OAEP to the storage root key
 *   public      the public area of the HMAC key
 *   data        empty here
 */
export function activationBlob(endorsementKey: Uint8Array, storageRootKey: Uint8Array, key: Uint8Array): Buffer {
  const innerKey = randomBytes(16);
  const area = Buffer.from(storageRootKey.subarray(2));
  const credential = protect(endorsementKey, 'IDENTITY', sized(innerKey), nameOf(area));
  const { object, publicArea } = hmacKey(key);
  const name = nameOf(publicArea);
  const inner = encrypt(innerKey, Buffer.concat([sized(sha256(object, name)), object]));
  const duplicate = protect(storageRootKey, 'DUPLICATE', inner, name);
  return Buffer.concat([
    sized(credential.blob),
    sized(credential.seed),
    sized(duplicate.blob),
    sized(duplicate.seed),
    sized(publicArea),
    sized(Buffer.alloc(0)),
  ]);
}

const KEYEDHASH = 0x0008;
const SHA256 = 0x000b;
const HMAC = 0x0005;
/** userWithAuth and sign (Part 2, section 8.3.2). */
const ATTRIBUTES = 0x00040040;

/** A TPM2B_SENSITIVE and the TPMT_PUBLIC that goes with it. */
function hmacKey(key: Uint8Array): { object: Buffer; publicArea: Buffer } {
  const seed = randomBytes(32);
  const sensitive = Buffer.concat([u16(KEYEDHASH), sized(Buffer.alloc(0)), sized(seed), sized(key)]);
  const attributes = Buffer.alloc(4);
  attributes.writeUInt32BE(ATTRIBUTES);
  const head = [u16(KEYEDHASH), u16(SHA256), attributes, sized(Buffer.alloc(0)), u16(HMAC), u16(SHA256)];
  return { object: sized(sensitive), publicArea: Buffer.concat([...head, sized(sha256(seed, key))]) };
}

/** Encrypts and authenticates for a storage or endorsement key (Part 1, sections 22.4 and 24). */
function protect(parent: Uint8Array, label: string, clear: Buffer, name: Buffer): { blob: Buffer; seed: Buffer } {
  const seed = randomBytes(32);
  const encrypted = encrypt(kdfa(seed, 'STORAGE', name, 128), clear);
  const hmac = createHmac('sha256', kdfa(seed, 'INTEGRITY', Buffer.alloc(0), 256))
    .update(encrypted)
    .update(name);
  return {
    blob: Buffer.concat([sized(hmac.digest()), encrypted]),
    seed: publicEncrypt(
      {
        key: rsaKey(parent),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: 'sha256',
        // Part 1, appendix B.4: the label ends with a zero octet.
        oaepLabel: Buffer.from(`${label}\0`),
      },
      seed,
    ),
  };
}

/** The RSA key of a TPM2B_PUBLIC: its modulus is the last field, and its exponent the usual one. */
function rsaKey(tpm2bPublic: Uint8Array) {
  const n = Buffer.from(tpm2bPublic.subarray(-256)).toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' });
}

/** SP 800-108 in counter mode with HMAC-SHA256, one round (Part 1, section 11.4.10.2). */
function kdfa(key: Buffer, label: string, context: Buffer, bits: 128 | 256): Buffer {
  const [counter, length] = [Buffer.alloc(4), Buffer.alloc(4)];
  counter.writeUInt32BE(1);
  length.writeUInt32BE(bits);
  const hmac = createHmac('sha256', key).update(counter).update(`${label}\0`).update(context).update(length);
  return hmac.digest().subarray(0, bits / 8);
}

function encrypt(key: Buffer, clear: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-cfb', key, Buffer.alloc(16));
  return Buffer.concat([cipher.update(clear), cipher.final()]);
}

/** The name of an object: its hash algorithm, and the hash of its public area (Part 1, section 16). */
const nameOf = (publicArea: Buffer): Buffer => Buffer.concat([u16(SHA256), sha256(publicArea)]);

const sized = (bytes: Uint8Array): Buffer => Buffer.concat([u16(bytes.length), bytes]);

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
