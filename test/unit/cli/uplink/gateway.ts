import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Machine } from '../../../../agent/cli/uplink/machine.ts';
import type { ProgramTold } from '../../../../agent/cli/uplink/told.ts';
import type { ControlOptions } from '../../../../agent/control/server.ts';
import { failure } from '../../../../agent/failure/failure.ts';
import { daemon, GROUP_ID } from '../../control/daemon.ts';
import { args, configIn, NOW } from '../stage.ts';

export const KEY = 'c2VjcmV0IG9mIHRoZSBwcm9ncmFtLCAzMiBieXRlcyE=';

/** A program that waits for the hub; the change is what the test is about. */
export function programWith(change: Partial<ProgramTold> = {}): ProgramTold {
  return {
    name: 'sensors',
    connects: 'socket',
    clients: 1,
    queued: 12,
    bytes: 3_482,
    oldest: new Date(NOW - 5 * 60_000).toISOString(),
    inbox: 0,
    inboxBytes: 0,
    forwarded: 1_204,
    resent: 0,
    refused: 0,
    dropped: 0,
    expired: 0,
    damaged: 0,
    setAside: 0,
    ...change,
  };
}

/** A program that has sent everything. */
export const idle = (change: Partial<ProgramTold> = {}): ProgramTold => {
  const { oldest: _, ...rest } = programWith({ queued: 0, bytes: 0, ...change });
  return rest;
};

export type Programs = Map<string, ProgramTold>;

/** A daemon with these programs, and what commands touch beside it, in a directory of the test. */
export async function gateway(
  t: TestContext,
  given: readonly ProgramTold[] = [],
  change: Partial<Machine> = {},
  more: Partial<ControlOptions> = {},
) {
  const programs: Programs = new Map(given.map((one) => [one.name, one]));
  const changes: unknown[] = [];
  const shown = (directory: string, one: ProgramTold) =>
    one.connects === 'key'
      ? { ...one, tcp: '127.0.0.1:8883', key: KEY, ca: join(directory, 'uplink', 'ca.pem') }
      : { ...one, socket: join(directory, 'uplink', one.name, 'mqtt.sock') };
  const unknown = (message: string) => ({ status: 400, body: failure('NL-UPLINK-PROGRAM', { message }) });
  const it = await daemon(t, {
    uplink: {
      status: () =>
        programs.size === 0 ? undefined : { programs: [...programs.values()], rate: 20, isThrottled: false },
      async change(body) {
        changes.push(body);
        const { add, key, set, show, forget, remove } = body as Record<string, string | boolean | undefined>;
        const name = String(add ?? set ?? show ?? forget ?? remove);
        const found = programs.get(name);
        if (add !== undefined) {
          if (found !== undefined) return unknown(`There is a program ${name} already.`);
          const made = idle({ name, connects: key === true ? 'key' : 'socket', clients: 0, forwarded: 0 });
          programs.set(name, made);
          return { status: 200, body: shown(it.directory, made) };
        }
        if (found === undefined) return unknown(`There is no program ${name}.`);
        if (forget !== undefined) return { status: 200, body: { sessions: 2, messages: found.inbox } };
        if (remove !== undefined) programs.delete(name);
        return {
          status: 200,
          body: remove === undefined ? shown(it.directory, found) : { removed: name, lost: found.queued },
        };
      },
    },
    ...more,
  });
  const sockets = join(it.directory, 'uplink');
  const groups = join(it.directory, 'groups');
  writeFileSync(groups, `root:x:0:\nnewleaf:x:${GROUP_ID}:tech\nsensors:x:4713:\n`);
  const tmpfiles = join(it.directory, 'tmpfiles.d');
  mkdirSync(tmpfiles);
  const machine: Machine = { tmpfiles, groups, isRoot: () => process.geteuid?.() === 0, isContained: false, ...change };
  const config = configIn(it.directory, `[uplink]\nsockets = "${sockets}"\n`);
  return {
    ...it,
    programs,
    changes,
    sockets,
    tmpfiles,
    machine,
    config,
    /** The arguments of `newleaf uplink`. */
    line: (...words: readonly string[]) => args('uplink', ...words, '--config', config),
  };
}
