import type { KeyRef, Leaf } from '../../agent/roll/leaf.ts';
import type { Gateway } from '../search/gateway.ts';
import { FOREIGN } from '../search/token.ts';
import type { Asked } from '../search/world.ts';

/** A call in words: `make b`, `register b`, `connect a hub2`. */
export interface Told {
  readonly call: string;
  /** Monotonic clock, milliseconds. */
  readonly at: number;
}

const VERBS: Partial<Record<Asked['call'], string>> = { generate: 'make' };
const FIRST = 'a'.charCodeAt(0);

/**
 * Keys are letters in the order in which they appear; the key of the leaf that a gateway begins with is a. The first leaf of a
 * key has its letter as well, the second one of b is b2.
 */
export class Letters {
  readonly #gateway: Gateway;
  readonly #keys: string[] = [];
  readonly #told: Told[] = [];

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    const first = gateway.world.options.current()?.key ?? gateway.given?.key;
    if (first !== undefined) this.keyOf(first);
  }

  keyOf({ id }: Pick<KeyRef, 'id'>): string {
    if (id === FOREIGN) return 'x';
    if (!this.#keys.includes(id)) this.#keys.push(id);
    return String.fromCharCode(FIRST + this.#keys.indexOf(id));
  }

  leafOf({ key, thumbprint }: Leaf): string {
    const ofKey = [...this.#gateway.world.leaves.values()].filter((leaf) => leaf.key.id === key.id);
    const index = ofKey.findIndex((leaf) => leaf.thumbprint === thumbprint);
    return `${this.keyOf(key)}${index > 0 ? index + 1 : ''}`;
  }

  /** A leaf by its thumbprint, where `status` names one. */
  named(thumbprint: string | undefined): string {
    const leaf = [...this.#gateway.world.leaves.values()].find((one) => one.thumbprint === thumbprint);
    return leaf === undefined ? 'none' : this.leafOf(leaf);
  }

  /** All that was asked, but for so many at the beginning. */
  told(from = 0): readonly Told[] {
    const { asked } = this.#gateway.world;
    for (const { call, at, of, hub } of asked.slice(this.#told.length)) {
      const name = of && ('thumbprint' in of ? this.leafOf(of) : this.keyOf(of));
      const words = [VERBS[call] ?? call, name, hub === 'hub1' ? undefined : hub];
      this.#told.push({ at, call: words.filter((word) => word !== undefined).join(' ') });
    }
    return this.#told.slice(from);
  }
}
