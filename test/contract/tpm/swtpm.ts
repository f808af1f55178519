import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Tpm } from '../../../hsm/tpm/tpm.ts';

const PORT = 2321;
/** An authorization area with an empty password (TPM 2.0 Part 1, section 19.4). */
const NO_PASSWORD = '00000009400000090000000000';

/** A software TPM of its own, with a new endorsement seed: swtpm 0.7.1, raw commands over TCP, one client at a time. */
export class Swtpm {
  /** host:port, as `tpm.device` takes it. */
  readonly device: string;
  readonly #directory: string;
  readonly #host: string;

  private constructor(host: string, directory: string) {
    this.#host = host;
    this.#directory = directory;
    this.device = `${host}:${PORT}`;
  }

  static start(): Swtpm {
    // An address of its own, so that no port is looked for, and none is lost to somebody else meanwhile.
    const host = `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
    const swtpm = new Swtpm(host, mkdtempSync(join(tmpdir(), 'newleaf-swtpm-')));
    swtpm.powerOn();
    return swtpm;
  }

  /** Fulfilled when it listens; the state from before is kept. */
  powerOn(): void {
    const state = ['--tpm2', '--tpmstate', `dir=${this.#directory}`, '--flags', 'not-need-init,startup-clear'];
    const server = ['--server', `type=tcp,port=${PORT},bindaddr=${this.#host}`];
    execFileSync('swtpm', ['socket', ...state, ...server, '--daemon', '--pid', `file=${this.#pidFile}`]);
    process.once('exit', this.#kill);
  }

  /** Fulfilled when nobody listens any more. */
  async powerOff(): Promise<void> {
    process.removeListener('exit', this.#kill);
    this.#kill();
    while (await this.#listens()) await setImmediate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /**
   * What is loaded and stored, by a look of the test's own.
   * @param by lets go of the TPM first: it serves one client at a time
   */
  async handles(by: Tpm): Promise<{ sessions: number[]; transient: number[]; persistent: number[] }> {
    by.close();
    const socket = connect(PORT, this.#host);
    const listed = async (first: number): Promise<number[]> => {
      // TPM2_GetCapability(TPM_CAP_HANDLES, first, 64), TPM 2.0 Part 3, section 30.2.
      socket.write(`8001000000160000017a00000001${first.toString(16).padStart(8, '0')}00000040`, 'hex');
      const [response]: [Buffer] = (await once(socket, 'data')) as [Buffer];
      return Array.from({ length: response.readUInt32BE(15) }, (_, at) => response.readUInt32BE(19 + 4 * at));
    };
    const found = {
      sessions: await listed(0x02000000),
      transient: await listed(0x80000000),
      persistent: await listed(0x81000000),
    };
    socket.destroy();
    return found;
  }

  /** Takes a key away, as clearing the TPM would; whoever uses the TPM must have let go of it. */
  async evict(handle: number): Promise<void> {
    const named = handle.toString(16);
    // TPM2_EvictControl by the owner with an empty password (TPM 2.0 Part 3, section 28.5).
    await this.#command(`0000012040000001${named}${NO_PASSWORD}${named}`);
  }

  /** As another program may set it; whoever uses the TPM must have let go of it. */
  async setOwnerPassword(password: string): Promise<void> {
    const size = password.length.toString(16).padStart(4, '0');
    // TPM2_HierarchyChangeAuth (Part 3, section 24.8).
    await this.#command(`0000012940000001${NO_PASSWORD}${size}${Buffer.from(password).toString('hex')}`);
  }

  /** As after too many wrong passwords; whoever uses the TPM must have let go of it. */
  async lock(): Promise<void> {
    // TPM2_DictionaryAttackParameters: no wrong try is allowed (Part 3, section 25.3).
    await this.#command(`0000013a4000000a${NO_PASSWORD}000000000000000100000001`);
  }

  /** Stores somebody else's key at each of the handles; whoever uses the TPM must have let go of it. */
  async occupy(...handles: readonly number[]): Promise<void> {
    // TPM2_CreatePrimary (Part 3, section 24.1) of an ECC storage key for the owner.
    const template = '001a0023000b00030072000000060080004300100003001000000000';
    const made = await this.#command(`0000013140000001${NO_PASSWORD}000400000000${template}000000000000`);
    const key = made.readUInt32BE(10).toString(16);
    for (const handle of handles) await this.#command(`0000012040000001${key}${NO_PASSWORD}${handle.toString(16)}`);
  }

  /** @param body hex, from the command code on; the command carries sessions @returns the response */
  async #command(body: string): Promise<Buffer> {
    const socket = connect(PORT, this.#host);
    const size = (body.length / 2 + 6).toString(16).padStart(8, '0');
    socket.write(`8002${size}${body}`, 'hex');
    const [response] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    if (response.readUInt32BE(6) !== 0) throw new Error(`${body}: ${response.toString('hex')}`);
    return response;
  }

  async #listens(): Promise<boolean> {
    const probe = connect(PORT, this.#host);
    const listens = await once(probe, 'connect').then(
      () => true,
      () => false,
    );
    probe.destroy();
    return listens;
  }

  get #pidFile(): string {
    return join(this.#directory, 'pid');
  }

  readonly #kill = (): void => {
    try {
      process.kill(Number(readFileSync(this.#pidFile, 'utf8')), 'SIGTERM');
    } catch {
      // It is gone already.
    }
  };
}
