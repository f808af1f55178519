import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { insideNetworkNamespace } from '../../namespace.ts';
import { PATIENCE_MS, site } from '../stage/site.ts';
import { line } from './line.ts';
import { story } from './story.ts';

/** More than one keepalive (180 s). */
const IDLE_MS = Number(process.env.IDLE_MS ?? 0);

if (insideNetworkNamespace(import.meta.filename)) {
  test('what a start, a registration, a roll and idle time cost on the line', async (t) => {
    const { runner, bytes } = await line(t);
    let before = bytes();
    const count = (what: string) => {
      const now = bytes();
      t.diagnostic(`${what}: ${now - before} bytes of IP`);
      before = now;
    };
    const { far, gateway } = await site(t, { runner });
    await story(t, { far, gateway }, { after: count });
    await gateway.stop();
    count('the end');
    const mark = far.log.entries.length;
    await gateway.start();
    await gateway.settled();
    // What the twin has already is not written again: reading it is the last thing on the line.
    await far.log.waitFor({ event: 'twin' }, PATIENCE_MS, mark);
    count('a start with a leaf');
    if (IDLE_MS > 0) {
      await pause(IDLE_MS);
      count(`idle for ${IDLE_MS} ms`);
    }
  });
}
