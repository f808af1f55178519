/** A client breaks MQTT 3.1.1, or a limit: section 4.8 wants the connection closed. The message is for the log. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** A client of another version of MQTT: it is told so in a CONNACK. */
export class WrongLevel extends Violation {
  readonly level: number | undefined;

  constructor(level?: number) {
    super('a CONNECT of another version of MQTT than 3.1.1');
    this.level = level;
  }
}

/** Throws where the rule is broken. */
export function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Violation(otherwise);
}
