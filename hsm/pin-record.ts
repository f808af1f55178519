import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TokenError } from './ckr.ts';
import { writeNote } from './note.ts';

const FILE = 'refused-pin.json';
const DIGEST_BYTES = 32;
const derive = promisify<string, Buffer, number, Buffer>(scrypt);

/** Refusals that cost a try, or would be repeated by the same PIN for ever. A locked PIN costs nothing to ask. */
const REMEMBERED = ['CKR_PIN_INCORRECT', 'CKR_PIN_INVALID', 'CKR_PIN_LEN_RANGE'];

/** More than any token accepts in a row before it locks. */
const KEPT = 8;

interface Refusal {
  readonly token: string;
  readonly code: string;
  /** Hex. */
  readonly salt: string;
  /** scrypt of the PIN, hex: enough to know it again, and never the PIN itself. */
  readonly digest: string;
}

/**
 * Remembers across restarts that a token refused a PIN, so that a daemon which is started again and again does not
 * lock the token: a wrong PIN is tried once.
 */
export class PinRecord {
  readonly #path: string;

  /** @param directory the state directory */
  constructor(directory: string) {
    this.#path = join(directory, FILE);
  }

  /** @throws TokenError PIN_REFUSED_BEFORE when this token has refused this very PIN */
  async assertNotRefused(pin: string, tokenName: string): Promise<void> {
    for (const refusal of await this.#read()) {
      if (refusal.token !== tokenName || !(await isOf(refusal, pin))) continue;
      const met = `Token ${tokenName} has refused this PIN before (${refusal.code}), so it was not tried again.`;
      const advice = `Put the right PIN into \`/etc/newleaf/pin\` (or hsm.pin_file). If this one is right, as the token has been given it since: \`rm ${this.#path}\`. Then \`systemctl restart newleaf\`.`;
      throw new TokenError('pin', 'PIN_REFUSED_BEFORE', met, undefined, advice);
    }
  }

  /** @throws TokenError PIN_UNNOTED where a refusal could not be noted */
  async assertRoom(tokenName: string): Promise<void> {
    const before = await this.#read();
    await this.#write(before).catch((why: unknown) => {
      const met = `Token ${tokenName} has met a wrong PIN, and if it refused this one, that could not be noted: ${why}.`;
      const advice = 'Check free space and permissions of state.directory: the PIN is not tried before.';
      throw new TokenError('failed', 'PIN_UNNOTED', met, why, advice);
    });
  }

  /** Notes that the token refused this PIN. @throws the error of the file system */
  async refused(pin: string, tokenName: string, code: string): Promise<void> {
    if (!REMEMBERED.includes(code)) return;
    const salt = randomBytes(16);
    const digest = await derive(pin, salt, DIGEST_BYTES);
    const refusal: Refusal = { token: tokenName, code, salt: salt.toString('hex'), digest: digest.toString('hex') };
    await this.#write([refusal, ...(await this.#read())].slice(0, KEPT));
  }

  /** Forgets what this token has refused: it has accepted a PIN. */
  async clear(tokenName: string): Promise<void> {
    const before = await this.#read().catch(() => []);
    const others = before.filter(({ token }) => token !== tokenName);
    if (others.length === 0) await rm(this.#path, { force: true });
    else if (others.length < before.length) await this.#write(others);
  }

  async #read(): Promise<readonly Refusal[]> {
    try {
      return parse(await readFile(this.#path, 'utf8'));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw new TokenError('pin-file', 'PIN_FILE', `${this.#path} cannot be read: ${error}`, error);
    }
  }

  async #write(refusals: readonly Refusal[]): Promise<void> {
    await writeNote(this.#path, `${JSON.stringify(refusals)}\n`, 0o600);
  }
}

async function isOf(refusal: Refusal, pin: string): Promise<boolean> {
  const digest = await derive(pin, Buffer.from(refusal.salt, 'hex'), DIGEST_BYTES);
  return timingSafeEqual(digest, Buffer.from(refusal.digest, 'hex'));
}

/** A damaged record counts as none: the price is one more try. */
function parse(text: string): readonly Refusal[] {
  try {
    const found: unknown = JSON.parse(text);
    return Array.isArray(found) ? found.filter(isRefusal) : [];
  } catch {
    return [];
  }
}

function isRefusal(found: unknown): found is Refusal {
  if (typeof found !== 'object' || found === null) return false;
  const { token, code, salt, digest } = found as Partial<Record<keyof Refusal, unknown>>;
  const isNamed = typeof token === 'string' && typeof code === 'string' && typeof salt === 'string';
  return isNamed && typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest);
}
