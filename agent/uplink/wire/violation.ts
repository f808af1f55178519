/** A client breaks MQTT 3.1.1, or a limit: section 4.8 wants the connection closed. The message is for the log. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** MQTT 3.1.1 section 3.1.2.2: CONNACK 1 says which version is spoken here. */
export class WrongLevel extends Violation {}

/** Throws where the rule is broken. */
export function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Violation(otherwise);
}
