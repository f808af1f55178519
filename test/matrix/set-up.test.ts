import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLE, NODE } from '../e2e/stage/gateway.ts';
import { type Fault, matrix, type Scene } from './play.ts';

const stateOf = ({ gateway }: Scene) => join(gateway.stateDirectory, 'state.json');
const RESTART = { restarts: 0 } as const;

const saved = new WeakMap<Scene, string>();

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
  {
    group: 'set-up',
    fault: 'the state file is of a newer version',
    code: /^NL-STATE-NEWER$/,
    exit: 5,
    session: 'down',
    isAlone: true,
    by: 'installs that newer version again',
    async begin(at) {
      await at.gateway.stop('SIGTERM');
      const good = readFileSync(stateOf(at), 'utf8');
      saved.set(at, good);
      writeFileSync(stateOf(at), good.replace(/"format": \d+/, '"format": 99'));
      await assert.rejects(at.gateway.start());
    },
    async end(at) {
      writeFileSync(stateOf(at), saved.get(at) ?? '');
      await at.gateway.start();
      at.unit.watch(at.gateway);
    },
  },
];

matrix('the set-up', FAULTS, import.meta.filename);
