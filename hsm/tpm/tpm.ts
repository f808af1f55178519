import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { TpmError } from './error.ts';
import { type Answer, type Request, type Result, readAnswer } from './request.ts';

export { TpmError, type TpmErrorKind } from './error.ts';

/** The public halves by which DPS knows a TPM, each a TPM2B_PUBLIC (TPM 2.0 Part 2, section 12.2.5). */
export interface TpmIdentity {
  readonly endorsementKey: Buffer;
  readonly storageRootKey: Buffer;
  /** What Microsoft's tools take where nobody names the device: SHA-256 of the endorsement key in base32. */
  readonly registrationId: string;
}

/** The TPM for attestation by DPS. Calls may overlap; they are made one after the other. */
export interface Tpm {
  /** Makes endorsement key and storage root key where the TPM has none yet. @throws TpmError missing, denied, failed */
  identity(): Promise<TpmIdentity>;
  /** HMAC-SHA256 with a key that DPS has wrapped for this TPM, and that is forgotten after that. @throws TpmError blob … */
  prove(blob: Uint8Array, message: Uint8Array): Promise<Buffer>;
  /** Stores the identity key that DPS has wrapped for this TPM, in place of the one before. @throws TpmError blob … */
  activate(blob: Uint8Array): Promise<void>;
  /** HMAC-SHA256 with the identity key. @throws TpmError key where there is none … */
  sign(message: Uint8Array): Promise<Buffer>;
  /** Removes the identity key; absent is success. @throws TpmError missing, denied, failed */
  forget(): Promise<void>;
  /** Ends the process that talks to the TPM; the next call starts another. */
  close(): void;
}

export interface TpmOptions {
  /** Longest time for one call, in milliseconds. A real TPM makes an RSA key in up to a minute. */
  readonly limitMs?: number;
  /** How long the process waits for another call before it ends, in milliseconds. */
  readonly lingerMs?: number;
}

interface Talk {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly lines: AsyncIterator<string, undefined>;
  /** How it ended; never rejected. */
  readonly ended: Promise<string>;
}

/**
 * The TPM through a process of its own, which is there only while it is needed: a registration takes four calls, and a
 * token one an hour. So the daemon carries neither the 15 MiB of tss.js nor its crashes.
 * @param command argv of a process that calls serveTpm with the device
 */
export function createTpm(command: readonly string[], { limitMs = 120_000, lingerMs = 2_000 }: TpmOptions = {}): Tpm {
  let talk: Talk | undefined;
  let linger: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const end = () => {
    clearTimeout(linger);
    talk?.child.stdin.end();
    talk = undefined;
  };
  const exchange = async (request: Request): Promise<Result> => {
    clearTimeout(linger);
    talk ??= start(command);
    const answer = await ask(talk, request, limitMs);
    if (answer.kind !== 'done') {
      end();
      throw new TpmError(answer.kind, answer.message);
    }
    linger = setTimeout(end, lingerMs).unref();
    return answer.result;
  };
  const inTurn = (request: Request): Promise<Result> => {
    const turn = last.then(() => exchange(request));
    last = turn.catch(() => {});
    return turn;
  };
  return {
    async identity() {
      const { endorsementKey, storageRootKey, registrationId = '' } = await inTurn({ op: 'identity' });
      return { endorsementKey: bytes(endorsementKey), storageRootKey: bytes(storageRootKey), registrationId };
    },
    async prove(blob, message) {
      return bytes((await inTurn({ op: 'prove', blob: base64(blob), message: base64(message) })).signature);
    },
    async activate(blob) {
      await inTurn({ op: 'activate', blob: base64(blob) });
    },
    async sign(message) {
      return bytes((await inTurn({ op: 'sign', message: base64(message) })).signature);
    },
    async forget() {
      await inTurn({ op: 'forget' });
    },
    close: end,
  };
}

function start([file = '', ...args]: readonly string[]): Talk {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  // A process that ends before it reads is told by its missing answer.
  child.stdin.on('error', () => {});
  return { child, ended, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function ask({ child, lines, ended }: Talk, request: Request, limitMs: number): Promise<Answer> {
  const killer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  child.stdin.write(`${JSON.stringify(request)}\n`);
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const answer = readAnswer(line.value);
    if (answer === undefined) continue;
    clearTimeout(killer);
    return answer;
  }
  const message = `The process that talks to the TPM ended without an answer: ${await ended}.`;
  clearTimeout(killer);
  return { kind: 'failed', message };
}

const base64 = (given: Uint8Array): string => Buffer.from(given).toString('base64');
const bytes = (encoded = ''): Buffer => Buffer.from(encoded, 'base64');
