import { type Plan, planIn, planText } from './plan.ts';

/** What a job of a wave is made of. */
export interface Wave {
  /** That the whole request is for. */
  readonly condition: string;
  readonly plan: Plan;
  /** Absent in a job for all that are left. */
  readonly ids?: readonly string[];
}

/** "Query expressions can have a maximum length of 8192 characters" (iot-hub-devguide-query-language); the hub adds its SELECT. */
const LONGEST = 8_000;
const MARK = 'enroll ';
const WAVE = /^(?:\((.*)\) AND )?deviceId != 'enroll (waves [^']*)'(?: AND deviceId IN \[(.*)\])?$/s;

/**
 * The condition of a job has its plan in it, as a comparison that holds for every device: a job keeps no other text of ours,
 * and newleaf refuses a payload with fields that it does not know. So any laptop can go on with the request.
 */
export function conditionOf({ condition, plan, ids }: Wave): string {
  const whole = condition.trim() === '*' ? '' : `(${condition}) AND `;
  const named = ids === undefined ? '' : ` AND deviceId IN [${ids.map(quoted).join(',')}]`;
  return `${whole}deviceId != '${MARK}${planText(plan)}'${named}`;
}

/** Undefined where it is no job of a wave. */
export function waveIn(text: string): Wave | undefined {
  const [, condition = '*', told = '', list] = WAVE.exec(text) ?? [];
  const plan = planIn(told);
  if (plan === undefined) return undefined;
  const ids = list?.match(/'(?:[^']|'')*'/g)?.map((one) => one.slice(1, -1).replaceAll("''", "'"));
  return { condition, plan, ...(ids && { ids }) };
}

/** As many of these as the condition of one job has room for. */
export function fitting(wave: Omit<Wave, 'ids'>, ids: readonly string[]): readonly string[] {
  let room = LONGEST - conditionOf({ ...wave, ids: [] }).length;
  const most = ids.findIndex((id) => {
    room -= quoted(id).length + 1;
    return room < 0;
  });
  return most < 0 ? ids : ids.slice(0, most);
}

const quoted = (id: string): string => `'${id.replaceAll("'", "''")}'`;
