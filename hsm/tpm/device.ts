import { once } from 'node:events';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { reasonOf } from '../reason.ts';
import { TpmError } from './error.ts';

/** A TPM that takes one command at a time, as raw bytes (TPM 2.0 Part 1, section 18). It is closed by the end of the process. */
export interface Device {
  /** @throws TpmError failed */
  transact(command: Uint8Array): Promise<Buffer>;
}

/**
 * Opens a TPM. tss.js 2.0.0 would look for one by itself: as root it takes /dev/tpm0, past the resource manager of the kernel,
 * and where there is none it dials port 2323, where any program could pose as the TPM.
 * @param where a device file, or host:port of a TPM simulator for raw commands (swtpm)
 * @throws TpmError missing, denied, failed
 */
export async function openDevice(where: string): Promise<Device> {
  const isFile = where.startsWith('/');
  const device = await (isFile ? openFile(where) : openSocket(where)).catch((error: unknown) => {
    throw notOpened(where, error);
  });
  if (!isFile) await flush(device);
  return device;
}

async function openFile(path: string): Promise<Device> {
  if (!(await stat(path)).isCharacterDevice()) throw new TpmError('missing', `${path} is no device.`);
  const file = await open(path, 'r+');
  return deviceOf(fileChunks(file), (bytes) => file.write(bytes));
}

/** The largest response of a TPM 2.0 (TPM_BUFFER_SIZE of the kernel, drivers/char/tpm/tpm.h). */
const LARGEST = 4096;

async function* fileChunks(file: FileHandle): AsyncGenerator<Buffer, void> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LARGEST));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

function openSocket(where: string): Promise<Device> {
  const { hostname, port } = new URL(`tcp://${where}`);
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), noDelay: true });
  const device = deviceOf(socket[Symbol.asyncIterator](), (bytes) => socket.write(bytes));
  return once(socket, 'connect').then(() => device);
}

const KINDS: Readonly<Record<string, TpmError['kind']>> = {
  ENOENT: 'missing',
  ENODEV: 'missing',
  ENXIO: 'missing',
  ECONNREFUSED: 'missing',
  ENOTFOUND: 'missing',
  EACCES: 'denied',
  EPERM: 'denied',
  EBUSY: 'busy',
};

function notOpened(where: string, error: unknown): TpmError {
  if (error instanceof TpmError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const kind = KINDS[code] ?? 'failed';
  const message = {
    missing: `There is no TPM at ${where} (${code}).`,
    denied: `This user may not use the TPM at ${where} (${code}).`,
    busy: `Another program holds the TPM at ${where} (${code}).`,
  }[kind as string];
  return new TpmError(kind, message ?? `The TPM at ${where} cannot be opened: ${reasonOf(error)}.`, error);
}

const HEADER = 10;

/** Chunks in, whole responses out: a socket or a terminal may cut a response anywhere. */
function deviceOf(chunks: AsyncIterator<Buffer>, write: (bytes: Uint8Array) => unknown): Device {
  return {
    async transact(command) {
      try {
        await write(command);
        let response = Buffer.alloc(0);
        while (response.length < HEADER || response.length < response.readUInt32BE(2)) {
          const { value } = await chunks.next();
          if (value === undefined) throw new Error('the TPM has gone');
          response = Buffer.concat([response, value]);
        }
        return response;
      } catch (error) {
        throw new TpmError('failed', `The TPM does not answer: ${reasonOf(error)}.`, error);
      }
    },
  };
}

const NO_SESSIONS = 0x8001;
const GET_CAPABILITY = 0x17a;
const FLUSH_CONTEXT = 0x165;
const CAP_HANDLES = 1;
/** First handles of loaded sessions and of transient objects (TPM 2.0 Part 2, section 7.4). */
const LEFT_BEHIND = [0x02000000, 0x80000000];

/**
 * Flushes the objects that an earlier process left loaded: with a device file the kernel does it when the file is closed. A
 * TPM has three places for sessions, and an activation that fails loses one of them.
 */
async function flush(device: Device): Promise<void> {
  for (const first of LEFT_BEHIND) {
    const listed = await device.transact(commandOf(GET_CAPABILITY, CAP_HANDLES, first, 64));
    // Response code, moreData, capability, count, then the handles (Part 3, section 30.2).
    const count = listed.readUInt32BE(6) === 0 ? listed.readUInt32BE(15) : 0;
    for (let at = 0; at < count; at += 1) {
      await device.transact(commandOf(FLUSH_CONTEXT, listed.readUInt32BE(19 + 4 * at)));
    }
  }
}

function commandOf(code: number, ...parameters: readonly number[]): Buffer {
  const command = Buffer.alloc(HEADER + 4 * parameters.length);
  command.writeUInt16BE(NO_SESSIONS);
  command.writeUInt32BE(command.length, 2);
  [code, ...parameters].forEach((value, at) => {
    command.writeUInt32BE(value, 6 + 4 * at);
  });
  return command;
}
