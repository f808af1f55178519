import { Failed, Misuse, textOption } from '../../../agent/cli/kit/command.ts';
import { printable } from '../../../agent/cli/kit/screen.ts';
import { valued } from '../../../agent/cli/kit/tool.ts';
import { EXIT } from '../../../agent/failure/exit.ts';
import type { Call } from '../command.ts';
import { conditioned } from '../device.ts';
import type { Enrollment } from '../enrollment.ts';
import { Hub } from '../hub.ts';
import { JSON_OPTION } from '../list.ts';
import { NAME } from '../name.ts';
import type { Action } from '../request.ts';
import { count } from '../screen.ts';
import { isWaves, WAVE_OPTIONS } from './plan.ts';
import { beginWaves } from './waves.ts';

/** Options of commands that edit a group, and then call its members in waves. */
export const MEMBER_OPTIONS = {
  job: valued('CONDITION', 'And then call the members, which meet the WHERE clause, in waves: with --first.'),
  ...WAVE_OPTIONS,
  delay: valued('SECONDS', 'Each device begins at a random moment within this time. Default 0.'),
  wait: valued('SECONDS', 'How long they may take to come back, after the delay. Default 300.'),
  report: valued('FILE', 'Write what is asked, and how it ended on each device, into this file (JSON).'),
  ...JSON_OPTION,
} as const;

/** The condition of the members, where they are to be called. @throws Misuse */
export function membersOf(call: Call): string | undefined {
  const condition = textOption(call, 'job');
  if ((condition !== undefined) !== isWaves(call)) {
    throw new Misuse('The members are called in waves: --job CONDITION --first SIZE belong together.');
  }
  if (condition !== undefined && call.options['at-once'] === true) {
    throw new Misuse('--at-once bars every leaf of the old CA now: there is nothing to try with some of them first.');
  }
  return condition;
}

/**
 * What is left to do for the members, once their group is written.
 * @param written the exit code of that
 */
export async function thenMembers(call: Call, action: Action, written: number): Promise<number> {
  const condition = membersOf(call);
  if (condition === undefined || written !== EXIT.done) return written;
  return beginWaves(call, await Hub.open(call), action, condition);
}

/** A CA that goes must not be the issuer of a leaf in use. @throws Failed where it is */
export async function demandUnused(call: Call, { slots: { primary } }: Enrollment): Promise<void> {
  const condition = membersOf(call);
  if (condition === undefined || primary?.kind !== 'certificate') return;
  const hub = await Hub.open(call);
  const cn = /CN=([^,]+)/.exec(primary.subject)?.[1] ?? primary.subject;
  const issuer = 'properties.reported.newleaf.leaf.issuer';
  const met = condition.trim() === '*' ? `is_defined(${issuer})` : `(${condition})`;
  const own = (await hub.countBy(issuer, met)).find(([name]) => name === cn);
  if (own === undefined) return;
  const rest = `${issuer} = '${cn.replaceAll("'", "''")}'`;
  throw new Failed(
    `${count(own[1], 'device')} of these still use a leaf of ${printable(cn)}, which is to go. Nothing was changed.`,
    {
      advice: `Roll them first: ${NAME} reprovision ${conditioned('job', rest)} --action roll --first 10 --next rest`,
    },
  );
}
