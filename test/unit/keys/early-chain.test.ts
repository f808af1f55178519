import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { EarlyChain } from '../../../agent/keys/early-chain.ts';

const HOUR = 3_600_000;
const never = new AbortController().signal;

/** A CA that numbers what it issues, and what is held of that. */
class Ca {
  readonly held = new EarlyChain();
  #issued = 0;
  readonly #issuer = this.held.before({ issue: async () => `chain ${++this.#issued}` });

  issue(csr = 'a'): Promise<string> {
    return this.#issuer.issue(csr, never);
  }

  /** Judges a chain; a fault is thrown, and caught here. */
  judge(chain: string, fault?: Fault): void {
    const judged = () => {
      if (fault !== undefined) throw fault;
      return 'good';
    };
    if (fault === undefined) assert.equal(this.held.watch(chain, judged), 'good');
    else assert.throws(() => this.held.watch(chain, judged), fault);
  }
}

const early = (retryAfterMs: number) => new Fault('NL-LEAF-NOT-YET', { retryAfterMs });
const refused = new Fault('NL-LEAF-CN');

const HELD = ['asked for', early(HOUR)] as const;

/** What is judged, one after the other: what was asked for, or another chain. And what the CA is then found to answer. */
const rows: readonly (readonly [
  what: string,
  judged: readonly (readonly [chain: 'asked for' | 'by hand', fault?: Fault])[],
  next: string,
  csr?: string,
])[] = [
  ['is not asked for again', [HELD, HELD], 'chain 1'],
  ['is of no use for the CSR of another key', [HELD], 'chain 2', 'b'],
  ['is forgotten once it is good: a key that is kept has the same CSR', [HELD, ['asked for']], 'chain 2'],
  ['is forgotten once another one is good', [HELD, ['by hand']], 'chain 2'],
  ['is forgotten once it is refused', [HELD, ['asked for', refused]], 'chain 2'],
  ['outlives the refusal of another one', [HELD, ['by hand', refused]], 'chain 1'],
  ['by a day is held', [['asked for', early(24 * HOUR)]], 'chain 1'],
  ['by more is the mistake of a clock: the CA is asked again', [['asked for', early(24 * HOUR + 1)]], 'chain 2'],
  ['and that was not asked for is not held', [['by hand', early(HOUR)]], 'chain 1'],
];

for (const [what, judged, next, csr] of rows) {
  test(`a chain that comes too early ${what}`, async () => {
    const ca = new Ca();
    for (const [chain, fault] of judged) ca.judge(chain === 'by hand' ? chain : await ca.issue(), fault);
    assert.equal(await ca.issue(csr), next);
  });
}
