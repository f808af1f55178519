import type { Duplex } from 'node:stream';
import { Frames } from './frames.ts';
import type { Timers, WireLimits } from './limits.ts';

/** What a connection does with its link. */
export interface LinkOwner {
  /** A whole packet. Throws where it must not be. */
  frame(frame: Buffer): void;
  /** Whether nothing more may be read for now. */
  holds(): boolean;
  /** The client did what it must not do. */
  broken(why: string): void;
  /** The client is gone, or too slow. */
  finish(why: string, isFault: boolean): void;
  /** The socket is closed, and its descriptor free again. */
  closed(): void;
}

/**
 * The bytes of a connection. It reads no more than can be answered: neither while the owner holds, nor while the client does not
 * read what it is sent.
 */
export class Link {
  readonly #socket: Duplex;
  readonly #limits: WireLimits;
  readonly #timers: Timers;
  readonly #owner: LinkOwner;
  readonly #frames: Frames;
  #isProceeding = false;
  /** Since the last write. */
  #outgoing: Buffer[] = [];
  #outgoingBytes = 0;
  #hasEnded = false;
  /** The client sends nothing more; what has come before is read to its end. */
  #why: string | undefined;
  #cancel: () => void = () => {};

  constructor(socket: Duplex, limits: WireLimits, timers: Timers, owner: LinkOwner) {
    this.#socket = socket;
    this.#limits = limits;
    this.#timers = timers;
    this.#owner = owner;
    this.#frames = new Frames(limits);
    const stop = (why: string) => {
      this.#why ??= why;
      this.proceed();
    };
    socket.on('data', (chunk: Buffer) => {
      if (this.#hasEnded) return;
      this.#frames.push(chunk);
      this.proceed();
    });
    socket.on('drain', () => this.proceed());
    socket.on('error', (error) => {
      this.#why ??= error.message;
    });
    socket.once('end', () => stop('the client closed the connection'));
    socket.once('close', () => {
      this.#cancel();
      stop('the connection is lost');
      owner.closed();
    });
  }

  /** Reads on, if it may. */
  proceed(): void {
    if (this.#isProceeding || this.#hasEnded) return;
    this.#isProceeding = true;
    try {
      while (!this.#hasEnded && !this.#isBlocked()) {
        const frame = this.#frames.next();
        if (frame === undefined) break;
        this.#owner.frame(frame);
      }
    } catch (error) {
      this.#owner.broken(error instanceof Error ? error.message : String(error));
    }
    this.#isProceeding = false;
    if (this.#hasEnded) return;
    const isBlocked = this.#isBlocked();
    // Messages of QoS 0, and DISCONNECT, count even if the client has gone meanwhile: they may wait here.
    if (this.#why !== undefined && (!isBlocked || this.#frames.isEmpty)) this.#owner.finish(this.#why, false);
    else if (isBlocked) this.#socket.pause();
    else this.#socket.resume();
  }

  /**
   * Many packets of one moment go out in one write: a stream of node has some 100 bytes for each that it has not written yet, and
   * an answer has two or four.
   */
  send(bytes: Buffer): void {
    if (this.#hasEnded || !this.#socket.writable) return;
    if (this.#outgoing.push(bytes) === 1) process.nextTick(() => this.#flush());
    this.#outgoingBytes += bytes.length;
    if (this.#isBehind()) this.#owner.finish('it does not read what it is sent', true);
  }

  /** Closes the connection when the last bytes have gone out. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const socket = this.#socket;
    if (!socket.writable || this.#isBehind()) {
      socket.destroy();
      return;
    }
    this.#flush();
    socket.pause();
    socket.end();
    socket.once('finish', () => socket.destroy());
    if (!socket.closed) this.#cancel = this.#timers.after(this.#limits.flushMs, () => socket.destroy());
  }

  destroy(): void {
    this.#hasEnded = true;
    this.#socket.destroy();
  }

  #flush(): void {
    const { writable, destroyed } = this.#socket;
    if (this.#outgoing.length > 0 && writable && !destroyed) this.#socket.write(Buffer.concat(this.#outgoing));
    this.#outgoing = [];
    this.#outgoingBytes = 0;
  }

  #isBehind(): boolean {
    return this.#socket.writableLength + this.#outgoingBytes > this.#limits.backlog;
  }

  #isBlocked(): boolean {
    return this.#owner.holds() || this.#socket.writableNeedDrain;
  }
}
