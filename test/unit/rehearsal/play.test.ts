import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { foundationOf } from '../../../agent/assembly/foundation.ts';
import { start } from '../../../agent/cli/run/command.ts';
import { loadConfig } from '../../../agent/config/config.ts';
import { Daemon } from '../../../agent/daemon/daemon.ts';
import { createHub } from '../../../agent/hub/session.ts';
import { createLog } from '../../../agent/machine/log.ts';
import { playStart } from '../../../agent/rehearsal/play.ts';
import { scratch } from '../state/disk.ts';

test('a start is played twice up to a session, without a state and with one, and nothing is left of it', async (t) => {
  const parent = scratch(t);
  const phases: string[] = [];
  class Seen extends Daemon {
    override async run(abort: AbortSignal) {
      const ending = await super.run(abort);
      phases.push(`${ending} ${this.state.phase} ${this.state.current?.serial}`);
      return ending;
    }
  }
  const asked: string[] = [];
  const read: typeof loadConfig = (file, ...rest) => {
    asked.push(file);
    return loadConfig(file, ...rest);
  };
  // In a container the settings of the environment are those of the daemon.
  const env = { NEWLEAF_CONTAINER: '1', NEWLEAF_SETTING: 'of the daemon' };
  Object.assign(process.env, env);
  t.after(() => Object.keys(env).map((name) => delete process.env[name]));
  await playStart({ start, foundationOf, loadConfig: read, Daemon: Seen, createHub, createLog }, parent);
  assert.deepEqual(phases, ['stopped serving 01', 'stopped serving 01']);
  assert(asked.every((file) => file.startsWith(`${parent}/`)));
  assert.deepEqual(readdirSync(parent), []);
});
