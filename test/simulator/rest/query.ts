import { condition, member } from './condition.ts';
import { RestRefusal } from './route.ts';

const wrong = (sql: string): RestRefusal =>
  new RestRefusal(400004, 'ArgumentInvalid', `BadRequest: cannot run the query "${sql}"`);

/** `SELECT what FROM where WHERE condition GROUP BY column`; DPS takes it without FROM, too. */
const QUERY = /^\s*select\s+(.+?)(?:\s+from\s+([\w.]+))?(?:\s+where\s+(.+?))?(?:\s+group\s+by\s+([\w.$]+))?\s*$/is;
/** "Query expressions can have a maximum length of 8192 characters" (iot-hub-devguide-query-language). */
const LONGEST = 8_192;
/** The two columns of a grouping: the one that is grouped by, and the count. */
const GROUPED = /^([\w.$]+)\s+as\s+(\w+)\s*,\s*count\(\)\s+as\s+(\w+)$/i;

/**
 * The part of the query language of IoT Hub (iot-hub-devguide-query-language) that is for picking and counting devices: `*`,
 * a list of columns, or one column and COUNT(); one source, a condition, one grouping. No joins, no ordering.
 * @throws RestRefusal 400
 */
export function evaluate(
  sql: string,
  sources: Readonly<Record<string, readonly object[]>>,
  unnamed?: readonly object[],
): object[] {
  const [, columns, source, where, group] = sql.length > LONGEST ? [] : (QUERY.exec(sql) ?? []);
  const rows = columns && (source === undefined ? unnamed : sources[source.toLowerCase()]);
  if (!columns || !rows) throw wrong(sql);
  const holds = where === undefined ? () => true : condition(where);
  if (group !== undefined) return counted(rows.filter(holds), columns, group, sql);
  const names = columns.trim() === '*' ? undefined : columns.split(',').map((name) => name.trim());
  return rows.filter(holds).map((row) => (names === undefined ? row : picked(row, names)));
}

function picked(row: object, names: readonly string[]): object {
  const all = new Map<string, unknown>(Object.entries(row));
  return Object.fromEntries(names.flatMap((name) => (all.has(name) ? [[name, all.get(name)]] : [])));
}

/** As `SELECT properties.reported.telemetryConfig.status AS status, COUNT() AS numberOfDevices FROM devices GROUP BY …`. */
function counted(rows: readonly object[], columns: string, group: string, sql: string): object[] {
  const [, column, name, count] = GROUPED.exec(columns.trim()) ?? [];
  if (column !== group || name === undefined || count === undefined) throw wrong(sql);
  const groups = new Map<unknown, number>();
  for (const row of rows) {
    const value = group.split('.').reduce<unknown>(member, row);
    groups.set(value, (groups.get(value) ?? 0) + 1);
  }
  return [...groups].map(([value, many]) => ({ ...(value !== undefined && { [name]: value }), [count]: many }));
}
