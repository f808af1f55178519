import assert from 'node:assert/strict';
import type { Machine, Unit } from './machine.ts';

const hasFailed = ({ ActiveState }: Unit) => ActiveState === 'failed';

/** The unit has ended for good, by this exit code and with these words everywhere. */
export async function assertEnded(machine: Machine, exit: string, words: RegExp): Promise<void> {
  const { ExecMainStatus, NRestarts, StatusText, Result } = await machine.until(hasFailed);
  assert.deepEqual([Result, ExecMainStatus, NRestarts], ['exit-code', exit, '0'], 'no second try');
  assert.match(StatusText ?? '', words);
}

/** The fallback raises the alarm with these words: in the journal, and by its own state. @param look makes it look now */
export async function assertAlarmed(machine: Machine, words: RegExp, look?: () => Promise<unknown>): Promise<void> {
  const since = machine.journal.lines.length;
  await look?.();
  const isAlarm = ({ unit, priority, message }: Readonly<Record<string, unknown>>) =>
    unit === 'newleaf-fallback.service' && priority === 2 && words.test(String(message));
  await machine.journal.waitFor(isAlarm, { since });
  await machine.until(hasFailed, 'newleaf-fallback.service');
  assert.match(await machine.must('systemctl', '--failed', '--plain'), /^newleaf-fallback\.service /m);
}
