/** A deliberate breakage of the machine or of the queue; each would lose a gateway, a key, a message, or a person's time. */
export interface Mutation {
  /** File in agent/roll/; with a folder, in agent/. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What would be lost. */
  readonly loss: string;
  /** Why nothing is lost after all: only then may it survive. */
  readonly equivalent?: string;
}

export function of(file: string, loss: string, find: string, replace: string, equivalent?: string): Mutation {
  return { file, loss, find, replace, ...(equivalent !== undefined && { equivalent }) };
}
