import { rmSync } from 'node:fs';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { CODES, fails, heals, onFailingDisk } from './failing-disk.ts';
import { ONE_ROLL, ROLL, roll } from './laid.ts';
import { type Fault, matrix } from './play.ts';

const WORDS = { ENOSPC: 'the disk is full', EROFS: 'the disk is read-only', EIO: 'each call to the disk fails (EIO)' };

const FAULTS: readonly Fault[] = [
  ...CODES.map(
    (code): Fault => ({
      group: 'disk',
      fault: WORDS[code],
      code: /^NL-STATE-WRITE$/,
      exit: 1,
      session: 'open',
      options: onFailingDisk,
      work: ONE_ROLL,
      by: ROLL,
      async begin(at) {
        fails(at, code);
        await roll(at);
      },
      async end(at) {
        heals(at);
        await roll(at);
      },
      backWithinMs: 2 * PATIENCE_MS,
    }),
  ),
  {
    group: 'disk',
    fault: 'a person deletes the state directory while it serves',
    exit: 0,
    session: 'open',
    isAlone: true,
    // It is looked for once a minute, as the loop looks at the clock: two minutes at most.
    begin: ({ gateway }) => rmSync(gateway.stateDirectory, { recursive: true }),
    async end({ gateway }) {
      await gateway.log.waitFor({ event: 'state-gone' }, { timeoutMs: 4 * PATIENCE_MS });
    },
  },
];

matrix('the disk', FAULTS, import.meta.filename, 2);
