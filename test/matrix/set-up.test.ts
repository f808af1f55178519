import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../agent/failure/exit.ts';
import { BUNDLE, NODE } from '../e2e/stage/gateway.ts';
import { type Fault, matrix, type Scene } from './play.ts';

const stateOf = ({ gateway }: Scene) => join(gateway.stateDirectory, 'state.json');
const RESTART = { restarts: 0 } as const;

interface Spoiled extends Pick<Fault, 'fault' | 'code' | 'by'> {
  spoil(good: string): string;
}

/** A state file that the daemon refuses: it ends for good, and nothing is overwritten or sent. */
function spoiled({ spoil, ...more }: Spoiled): Fault {
  let good = '';
  return {
    group: 'set-up',
    exit: 5,
    session: 'down',
    isAlone: true,
    ...more,
    async begin(at) {
      const { gateway, far } = at;
      await gateway.stop('SIGTERM');
      good = readFileSync(stateOf(at), 'utf8');
      writeFileSync(stateOf(at), spoil(good));
      const since = far.log.entries.length;
      await assert.rejects(gateway.start());
      assert.equal(await gateway.ended(), EXIT.person, 'systemd does not try again');
      assert.equal(readFileSync(stateOf(at), 'utf8'), spoil(good));
      assert.deepEqual(far.log.since(since), []);
    },
    async end(at) {
      writeFileSync(stateOf(at), good);
      await at.gateway.start();
      at.unit.watch(at.gateway);
    },
  };
}

const FAULTS: readonly Fault[] = [
  {
    group: 'set-up',
    fault: 'a second daemon is started on the same state',
    exit: 0,
    session: 'open',
    cost: RESTART,
    async begin({ gateway, far }) {
      const since = far.log.entries.length;
      // A person's: systemd does not listen to it.
      const env = { ...process.env, ...gateway.token.hsm.environment, NEWLEAF_CONFIG: gateway.configuration };
      const second = spawnSync(NODE, [BUNDLE, 'run'], { env, encoding: 'utf8' });
      assert.match(second.stdout, /NL-DAEMON-RUNS/);
      assert.equal(second.status, 1, second.stdout);
      const seen = far.log.since(since).filter(({ event }) => event !== 'telemetry');
      assert.deepEqual(seen, [], 'neither of them has met the far side for it');
    },
    end: () => {},
  },
  spoiled({
    fault: 'the state file is of a newer version',
    code: /^NL-STATE-NEWER$/,
    by: 'installs that newer version again',
    spoil: (good) => good.replace(/"format": \d+/, '"format": 99'),
  }),
  spoiled({
    fault: 'the state file is cut off',
    code: /^NL-STATE-CORRUPT$/,
    by: 'puts back a copy',
    spoil: (good) => good.slice(0, good.length / 2),
  }),
];

matrix('the set-up', FAULTS, import.meta.filename);
