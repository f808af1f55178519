import type { Segment } from './segments.ts';

/** A reader that takes nothing for so long gets its memory back, in milliseconds. */
const IDLE_MS = 2_000;

/** A part of a segment, while it is read: up to what was acknowledged then. */
export class Memory {
  #part: { readonly segment: Segment; readonly base: number; readonly bytes: Buffer } | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** @param base where they begin in the segment */
  keep(segment: Segment, base: number, bytes: Buffer): void {
    this.#part = { segment, base, bytes };
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.rest(), IDLE_MS).unref();
  }

  /** What is known of the segment from there on. */
  at(segment: Segment, from: number): Buffer | undefined {
    const part = this.#part;
    if (part?.segment !== segment || from < part.base || from >= part.base + part.bytes.length) return undefined;
    this.#idle?.refresh();
    return part.bytes.subarray(from - part.base);
  }

  rest(): void {
    clearTimeout(this.#idle);
    this.#part = undefined;
  }
}
