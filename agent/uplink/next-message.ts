import type { Program } from './program.ts';
import type { Chosen, Suspicion } from './suspicion.ts';

/** Which message goes next: of all programs in turn, those of one program in order. */
export class NextMessage {
  readonly #programs: () => readonly Program[];
  readonly #suspicion: Suspicion;
  #turn = 0;

  constructor(programs: () => readonly Program[], suspicion: Suspicion) {
    this.#programs = programs;
    this.#suspicion = suspicion;
  }

  /** Each program begins again with its first message. */
  opened(): void {
    for (const { up } of this.#programs()) up.rewind();
    this.#suspicion.opened();
  }

  /** @param isAlone no other message is on its way @param usedMs since the first message of the session */
  async next(isAlone: boolean, usedMs: number): Promise<Chosen | undefined> {
    if (this.#suspicion.isTrying) return undefined;
    if (this.#suspicion.trialIn(usedMs) === 0) return isAlone ? this.#suspicion.try() : undefined;
    const programs = this.#programs();
    for (const offset of programs.keys()) {
      const program = programs[(this.#turn + offset) % programs.length];
      if (program === undefined || this.#suspicion.holds(program)) continue;
      // One that cannot be read is tried again with the next message, or later.
      const message = await program.up.next().catch(() => undefined);
      if (message === undefined || this.#suspicion.holdsBack(program, message)) continue;
      this.#turn = (this.#turn + offset + 1) % programs.length;
      return { program, message };
    }
    return isAlone ? this.#suspicion.probe() : undefined;
  }
}
