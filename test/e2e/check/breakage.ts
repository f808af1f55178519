import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Status } from '../../../agent/roll/report.ts';
import type { IssuePolicy } from '../../simulator/ca.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { assertRed, redInJson } from './red.ts';
import { provisioned, type Stage } from './stage.ts';

/** One way to be broken, and what a technician is told. */
export interface Breakage {
  readonly title: string;
  /** How the leaf is issued that is to be broken. */
  readonly policy?: IssuePolicy;
  readonly breaks: (stage: Stage) => unknown;
  /** To mount something. */
  readonly needsRoot?: true;
  /** Nothing can be said of the daemon. */
  readonly hidesDaemon?: true;
  /** Every red line of `newleaf check` but that of the daemon itself: `id CODE what is wrong → what to do`. */
  readonly red: (stage: Stage) => readonly string[];
  /** The same, when check is called again; where it differs. */
  readonly again?: (stage: Stage) => readonly string[];
  /** Where the daemon runs all the same. */
  readonly daemon?: {
    /** What is done to it when it runs. */
    readonly after?: (stage: Stage) => unknown;
    /** It has met what is broken. */
    readonly until: (status: Status) => boolean;
    /** Red lines of check that are there in addition. */
    readonly red?: (stage: Stage) => readonly string[];
    /** What `newleaf status` says: code, what is wrong, and what to do. */
    readonly says: (stage: Stage) => string;
    /** What puts it right: then nothing is red any more. */
    readonly cure?: (stage: Stage) => unknown;
  };
}

export async function play(t: TestContext, breakage: Breakage): Promise<void> {
  const { policy, breaks, red, again = red, daemon } = breakage;
  const stage = await provisioned(t, policy);
  const { far, gateway } = stage;
  await breaks(stage);
  const registrations = far.log.registrations();
  const down = `socket NL-DAEMON-DOWN The daemon does not run: there is no answer on ${gateway.socket}. → Correct what else fails here, then \`systemctl start newleaf\`. The end of its log: \`journalctl -u newleaf -n 20\`.`;
  const more = breakage.hidesDaemon ? [] : [down];
  assertRed(await gateway.command('check'), [...red(stage), ...more]);
  assert.deepEqual(redInJson(await gateway.command('check', '--json')), [...again(stage), ...more]);
  assert.equal(far.log.registrations(), registrations, 'a check registers nothing');
  if (daemon === undefined) return;

  await gateway.start();
  await daemon.after?.(stage);
  await gateway.until(daemon.until, 2 * PATIENCE_MS);
  assertRed(await gateway.command('check'), [...red(stage), ...(daemon.red?.(stage) ?? [])]);
  const { out } = await gateway.command('status');
  const told = out
    .slice(out.indexOf('What to do'))
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/20[\d-]{8} [\d:]{5} UTC/g, '<moment> UTC');
  assert.ok(told.includes(daemon.says(stage)), `${out}\ndoes not say\n${daemon.says(stage)}`);
  if (daemon.cure === undefined) return;

  await daemon.cure(stage);
  await gateway.settled();
  assertRed(await gateway.command('check'), []);
}
