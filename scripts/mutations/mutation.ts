/** A deliberate breakage; each would lose a gateway, a key, a message, or a person's time. */
export interface Mutation {
  /** File in agent/roll/; with its folder where it is in another one of agent/. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What would be lost. */
  readonly loss: string;
  /** Why nothing is lost after all: only then may it survive. */
  readonly equivalent?: string;
}

export const pathIn = (agent: string, { file }: Mutation): string =>
  file.includes('/') ? `${agent}/${file}` : `${agent}/roll/${file}`;

export function of(file: string, loss: string, find: string, replace: string, equivalent?: string): Mutation {
  return { file, loss, find, replace, ...(equivalent !== undefined && { equivalent }) };
}
