/** A breakage that no operator makes; each would lose a gateway, a key, a message, or a person's time. */
export interface Row {
  readonly file: string;
  /** The function, member or constant that is broken. */
  readonly name: string;
  /** What would be lost. */
  readonly loss: string;
  /** Stands once in it; white space does not count. */
  readonly from: string;
  readonly to: string;
}
