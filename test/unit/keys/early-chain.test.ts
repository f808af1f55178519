import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

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

describe('a chain that comes too early', () => {
  test('is not asked for again', async () => {
    const ca = new Ca();
    for (let times = 0; times < 3; times += 1) {
      const chain = await ca.issue();
      assert.equal(chain, 'chain 1');
      ca.judge(chain, early(HOUR));
    }
  });

  test('is of no use for the CSR of another key', async () => {
    const ca = new Ca();
    ca.judge(await ca.issue('a'), early(HOUR));
    assert.equal(await ca.issue('b'), 'chain 2');
  });

  test('is forgotten once it is good: a key that is kept has the same CSR for the next leaf', async () => {
    const ca = new Ca();
    ca.judge(await ca.issue(), early(HOUR));
    ca.judge(await ca.issue());
    assert.equal(await ca.issue(), 'chain 2');
  });

  test('is forgotten once another one is good', async () => {
    const ca = new Ca();
    ca.judge(await ca.issue(), early(HOUR));
    ca.judge('by hand');
    assert.equal(await ca.issue(), 'chain 2');
  });

  test('is forgotten once it is refused', async () => {
    const ca = new Ca();
    ca.judge(await ca.issue(), early(HOUR));
    ca.judge(await ca.issue(), refused);
    assert.equal(await ca.issue(), 'chain 2');
  });

  test('outlives the refusal of another one', async () => {
    const ca = new Ca();
    ca.judge(await ca.issue(), early(HOUR));
    ca.judge('garbage from the inbox', refused);
    assert.equal(await ca.issue(), 'chain 1');
  });

  test('by more than a day is the mistake of a clock: the CA is asked again', async () => {
    const ca = new Ca();
    ca.judge(await ca.issue(), early(24 * HOUR));
    assert.equal(await ca.issue(), 'chain 1');
    ca.judge('chain 1', early(24 * HOUR + 1));
    assert.equal(await ca.issue(), 'chain 2');
  });

  test('that nobody was asked for is not held', async () => {
    const ca = new Ca();
    ca.judge('by hand', early(HOUR));
    assert.equal(await ca.issue(), 'chain 1');
    assert.equal(await ca.issue(), 'chain 2');
  });
});
