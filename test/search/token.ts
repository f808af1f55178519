import { type Code, Fault } from '../../agent/failure/failure.ts';
import type { KeyRef, Leaf, Slot } from '../../agent/roll/leaf.ts';

/** What is in a token: CKA_IDs by slot. */
export interface Card {
  readonly name: string;
  readonly keys: Map<Slot, string>;
}

/** A key that newleaf has not made. */
export const FOREIGN = 'X';

/** The place of the token: which one is plugged in, and what each process sees of it. */
export class Reader {
  readonly #cards: readonly [Card, Card] = [
    { name: 'first', keys: new Map() },
    { name: 'second', keys: new Map() },
  ];
  #inside: Card | undefined = this.#cards[0];
  /** The one that the process which is alive has opened. */
  #opened: Card | undefined;
  /** It opens for no new process. */
  isShut = false;
  /** Leaves that have served: newleaf puts each beside its key. */
  readonly beside = new Set<Leaf>();
  /** Keys whose each signature ends in CKR_GENERAL_ERROR, by CKA_ID: their files are damaged. */
  readonly #damaged = new Set<string>();
  readonly #outdated = new Set<string>();
  /** It has been another token: keys of one stay behind there. */
  isSwapped = false;

  get card(): Card | undefined {
    return this.#inside;
  }

  /** A process begins. @returns why it cannot use the token */
  open(): Code | undefined {
    const refusal = this.refusalOfNew();
    this.#opened = refusal === undefined ? this.#inside : undefined;
    return refusal;
  }

  /** What a new process would be told, undefined where it could work. */
  refusalOfNew(): Code | undefined {
    if (this.#inside === undefined) return 'NL-TOKEN-MISSING';
    return this.isShut ? 'NL-TOKEN-FAILED' : undefined;
  }

  pull(): void {
    this.#inside = undefined;
  }

  plugIn(): void {
    this.#inside ??= this.#opened ?? this.#cards[0];
  }

  swap(): void {
    this.isSwapped = true;
    const [first, second] = this.#cards;
    this.#inside = this.#inside === first ? second : first;
  }

  /** The token that has this key; the first one where none has. */
  putBack(key?: KeyRef): void {
    this.#inside = this.#cards.find(({ keys }) => key !== undefined && keys.get(key.slot) === key.id) ?? this.#cards[0];
  }

  /** The owner of every other key takes it away. */
  clear(known: readonly (string | undefined)[]): void {
    for (const [slot, id] of this.#inside?.keys ?? []) if (!known.includes(id)) this.#inside?.keys.delete(slot);
  }

  /** Whether the key is in the token that is plugged in, whichever process asks. */
  has({ slot, id }: KeyRef): boolean {
    return this.#inside?.keys.get(slot) === id;
  }

  /** The keys, as the process that is alive sees them. @throws Fault NL-TOKEN-POISONED where the token was taken away under it */
  keys(): Map<Slot, string> {
    if (this.#inside === undefined || this.#inside !== this.#opened) throw new Fault('NL-TOKEN-POISONED');
    return this.#inside.keys;
  }

  /** The same for a process of its own, as a key is destroyed by one. */
  keysAnew(): Map<Slot, string> {
    const refusal = this.refusalOfNew();
    if (refusal !== undefined || this.#inside === undefined) throw new Fault('NL-TOKEN-FAILED');
    return this.#inside.keys;
  }

  lose(id: string | undefined): void {
    for (const { keys } of this.#cards) for (const [slot, one] of keys) if (one === id) keys.delete(slot);
  }

  damage(id: string | undefined): void {
    if (id !== undefined) this.#damaged.add(id);
  }

  /** Every key that is there is of another type than the configuration says from now on. */
  outdate(): void {
    for (const { keys } of this.#cards) for (const id of keys.values()) this.#outdated.add(id);
  }

  /** The newest leaf that lies beside a key, and is valid at this moment of the wall clock. */
  newerThan({ notBefore }: Leaf, now: number): Leaf | undefined {
    const there = [...this.beside].filter((leaf) => this.has(leaf.key) && leaf.notAfter > now);
    const newer = there.filter((leaf) => leaf.notBefore > notBefore);
    return newer.toSorted((one, other) => other.notBefore - one.notBefore)[0];
  }

  isOutdated = ({ id }: Pick<KeyRef, 'id'>): boolean => this.#outdated.has(id);

  isDamaged = ({ id }: Pick<KeyRef, 'id'>): boolean => this.#damaged.has(id);

  /** Another program has put a key of its own into a free slot. */
  occupy(slot: Slot): void {
    if (this.#inside?.keys.has(slot) === false) this.#inside.keys.set(slot, FOREIGN);
  }
}
