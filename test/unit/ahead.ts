import type { TestContext } from 'node:test';

/**
 * Plays now what a test is about, and tells there how it ended. From the first test on, node:test of Node 20 to 24 follows every
 * promise by a hook (async_hooks, with destroy): what makes millions of them takes twice as long.
 * @param play called before the file has called `test`
 */
export async function ahead(play: () => Promise<void>): Promise<(t: TestContext) => void> {
  const from = performance.now();
  const [ended] = await Promise.allSettled([play()]);
  const took = performance.now() - from;
  return (t) => {
    t.diagnostic(`played in ${Math.round(took)} ms`);
    if (ended.status === 'rejected') throw ended.reason;
  };
}
