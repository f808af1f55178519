import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Authenticate } from '../ports.ts';

/** A program that names itself by a key. */
interface ProgramKey {
  readonly name: string;
  /** Base64, as it stands in the connection string. */
  readonly key: string;
}

/** CONNACK 4: bad user name or password; 5: not authorized, as the hub answers a wrong or an expired SAS. */
const BAD_PASSWORD = 4;
const NOT_AUTHORIZED = 5;

const SHORTEST_KEY = 16;
const SAS = 'SharedAccessSignature ';

interface Signature {
  /** What is signed is this text, percent-encoding and all: SDKs differ in what they encode, and in upper and lower case. */
  readonly resource: string;
  readonly signature: Buffer;
  /** Seconds since the epoch, as written. */
  readonly expiry: string;
}

/**
 * The program of a CONNECT, by its key. Two ways to prove it:
 * - as all Azure SDKs do (azure-iot-sdk node 1.18, python 2.14, c, csharp, java, embedded c): user name
 *   `{any host}/{device id}/?api-version=…`, password a SAS. Each key is tried: a program may have kept another device id.
 * - as other MQTT clients do: user name = name of the program, password = its key, as printed.
 *
 * @param now milliseconds since the epoch; undefined while the clock is not credible: then no SAS is judged expired
 */
export function byKey(programs: () => readonly ProgramKey[], now: () => number | undefined): Authenticate {
  return ({ username, password }) => {
    if (username === undefined || password === undefined) return BAD_PASSWORD;
    const text = Buffer.from(password).toString('latin1');
    if (text.startsWith(SAS)) {
      const signed = readSas(text);
      if (signed === undefined) return NOT_AUTHORIZED;
      const program = programs().find((one) => isLong(one) && verifies(signed, one.key));
      return program === undefined || isOver(signed, now()) ? NOT_AUTHORIZED : program.name;
    }
    const program = programs().find(({ name }) => name === username);
    return program !== undefined && isLong(program) && isSame(text, program.key) ? program.name : BAD_PASSWORD;
  };
}

/** `SharedAccessSignature sr=…&sig=…&se=…`, in any order; `skn`, the name of a policy, means nothing here. */
function readSas(text: string): Signature | undefined {
  const [resource, signature, expiry] = ['sr', 'sig', 'se'].map(
    (name) => new RegExp(`[ &]${name}=([^&]*)`).exec(text)?.[1],
  );
  if (resource === undefined || signature === undefined || expiry === undefined || !/^\d{1,15}$/.test(expiry)) {
    return undefined;
  }
  try {
    return { resource, signature: Buffer.from(decodeURIComponent(signature), 'base64'), expiry };
  } catch {
    // URIError: a % that begins nothing.
    return undefined;
  }
}

/** Base64-decoded key, HMAC-SHA256 over both lines (articles/iot-hub/iot-hub-dev-guide-sas.md). */
function verifies({ resource, signature, expiry }: Signature, key: string): boolean {
  const right = createHmac('sha256', Buffer.from(key, 'base64')).update(`${resource}\n${expiry}`, 'latin1').digest();
  return signature.length === right.length && timingSafeEqual(signature, right);
}

/** A key that was cut off, or is missing, proves nothing. */
const isLong = ({ key }: ProgramKey): boolean => Buffer.from(key, 'base64').length >= SHORTEST_KEY;

function isOver({ expiry }: Signature, now: number | undefined): boolean {
  return now !== undefined && Number(expiry) * 1_000 <= now;
}

/** In constant time, whatever the lengths. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text, 'latin1').digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
