import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { inside } from '../namespace.ts';
import { APART, isUp, type Machine } from '../system/machine.ts';
import { provisioned } from '../system/site.ts';
import { judged } from './judge.ts';
import { type Reading, short } from './reading.ts';

const MINUTES = 3;
const MINUTE_MS = 60_000;
const MINUTES_AN_HOUR = 60;
/** V8 collects what is left of the start within the first seconds. */
const CALM_MS = 40_000;

/** A client of MQTT in C that has nothing to do, too. It looks once a second whether it has. */
async function yardstick(machine: Machine, port: number): Promise<void> {
  machine.write('/etc/mosquitto/conf.d/yardstick.conf', `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  await machine.must('systemctl', 'start', 'mosquitto');
  const client = ['mosquitto_sub', '-p', String(port), '-k', '180', '-t', 'nothing'];
  await machine.must('systemd-run', '--unit=yardstick', ...client);
}

/** What the processes of a unit have done since it was started. */
interface Work {
  /** Time on a processor, in milliseconds: of those that have ended, too (systemctl(1), CPUUsageNSec). */
  readonly cpuMs: number;
  /** How often a thread of the main process went to sleep. */
  readonly sleeps: number;
}

async function workOf(machine: Machine, unit: string): Promise<Work> {
  const { CPUUsageNSec, MainPID, ControlGroup } = await machine.show(unit);
  const members = await machine.must('cat', `/sys/fs/cgroup${ControlGroup}/cgroup.procs`);
  // cgroups(7): a process that this machine does not see is a 0.
  assert.doesNotMatch(members, /^0$/m, `${unit} shares its control group with another machine`);
  const status = await machine.must('sh', '-c', `cat /proc/${MainPID}/task/*/status`);
  const switches = status.matchAll(/^voluntary_ctxt_switches:\s+(\d+)$/gm);
  const sleeps = [...switches].reduce((sum, [, count]) => sum + Number(count), 0);
  return { cpuMs: Number(CPUUsageNSec) / 1e6, sleeps };
}

/** What the unit of the package costs in a minute, with all that it starts: one look at clock and inbox, and the watchdog. */
async function rest(machine: Machine): Promise<readonly Reading[]> {
  const look = () => Promise.all([workOf(machine, 'newleaf'), workOf(machine, 'yardstick')]);
  const looks = [await look()];
  for (let minute = 0; minute < MINUTES; minute++) {
    await pause(MINUTE_MS);
    looks.push(await look());
  }
  const minutesOf = (subject: 0 | 1, what: keyof Work) =>
    looks.slice(1).map((after, minute) => after[subject][what] - (looks[minute]?.[subject][what] ?? Number.NaN));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value) / values.length;
  const minutes = minutesOf(0, 'cpuMs');
  return [
    {
      name: 'idle CPU',
      value: mean(minutes) * MINUTES_AN_HOUR,
      unit: 'ms/h',
      floor: mean(minutesOf(1, 'cpuMs')) * MINUTES_AN_HOUR,
      note: `minutes of ${minutes.map(short).join(', ')} ms; the floor is mosquitto_sub`,
    },
    { name: 'idle wake-ups', value: mean(minutesOf(0, 'sleeps')) / (MINUTE_MS / 1_000), unit: '1/s' },
  ];
}

/** The machines share a network, so each broker has a port of its own. */
const FORMS = [
  { form: 'deb-nodejs', name: 'Node 20', major: 20, port: 1883 },
  { form: 'deb', name: 'Node 24', major: 24, port: 1884 },
] as const;

if (inside(import.meta.filename, APART)) {
  test('an idle gateway', { concurrency: FORMS.length }, async (t) => {
    const judge = async (t: TestContext, { form, port, ...node }: (typeof FORMS)[number]) => {
      const { machine } = await provisioned(t, undefined, form);
      await yardstick(machine, port);
      await machine.must('systemctl', 'enable', '--now', 'newleaf');
      await machine.until((unit) => isUp(unit) && unit.StatusText?.includes('online at') === true);
      await pause(CALM_MS);
      await judged(t, node, rest(machine), () => rest(machine));
    };
    await Promise.all(FORMS.map((one) => t.test(one.name, (t) => judge(t, one))));
  });
}
