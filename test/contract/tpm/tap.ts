import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What becomes of a command: the TPM gets it or not, the one who sent it hears the answer or not. */
export type Fate = 'pass' | 'lost' | 'unanswered';

/** Commands as TPM 2.0 Part 2, section 6.5.2 numbers them. */
export const COMMAND = { EvictControl: 0x120, ActivateCredential: 0x147, Import: 0x156, Load: 0x157 } as const;

/** Between a TPM and whoever uses it: sees each command, and cuts the line where it is told to. */
export class Tap implements AsyncDisposable {
  /** host:port, as `tpm.device` takes it. */
  readonly device: string;
  /** Asked for each command; the default is to let it pass. */
  judge: (command: number) => Fate = () => 'pass';
  readonly #close: () => void;

  private constructor(device: string, close: () => void) {
    this.device = device;
    this.#close = close;
  }

  /** @param tpm host:port */
  static async before(tpm: string): Promise<Tap> {
    const [host, port] = tpm.split(':');
    const open = new Set<Socket>();
    const server = createServer((user) => {
      const chip = connect({ host, port: Number(port) });
      for (const socket of [user, chip]) {
        open.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => open.delete(socket));
      }
      let isMute = false;
      user.on('data', (command) => {
        const fate = tap.judge(command.readUInt32BE(6));
        if (fate === 'lost') return chip.destroy();
        isMute = fate === 'unanswered';
        chip.write(command);
      });
      chip.on('data', (answer) => (isMute ? chip.destroy() : user.write(answer)));
      user.on('close', () => chip.destroy());
      chip.on('close', () => user.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { address, port: own } = server.address() as AddressInfo;
    const tap = new Tap(`${address}:${own}`, () => {
      server.close();
      for (const socket of open) socket.destroy();
    });
    return tap;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }
}
