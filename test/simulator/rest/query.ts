import { condition } from './condition.ts';
import { RestRefusal } from './route.ts';

/** `SELECT what FROM where WHERE condition`; DPS takes it without FROM, too. */
const QUERY = /^\s*select\s+(.+?)(?:\s+from\s+([\w.]+))?(?:\s+where\s+(.+?))?\s*$/is;

/**
 * The part of the query language of IoT Hub (iot-hub-devguide-query-language) that is for picking devices: `*` or a
 * list of columns, one source, a condition. No joins, no grouping, no ordering.
 * @throws RestRefusal 400
 */
export function evaluate(
  sql: string,
  sources: Readonly<Record<string, readonly object[]>>,
  unnamed?: readonly object[],
): object[] {
  const [, columns, source, where] = QUERY.exec(sql) ?? [];
  const rows = columns && (source === undefined ? unnamed : sources[source.toLowerCase()]);
  if (!columns || !rows) throw new RestRefusal(400004, 'ArgumentInvalid', `BadRequest: cannot run the query "${sql}"`);
  const holds = where === undefined ? () => true : condition(where);
  const names = columns.trim() === '*' ? undefined : columns.split(',').map((name) => name.trim());
  return rows.filter(holds).map((row) => (names === undefined ? row : picked(row, names)));
}

function picked(row: object, names: readonly string[]): object {
  const all = new Map<string, unknown>(Object.entries(row));
  return Object.fromEntries(names.flatMap((name) => (all.has(name) ? [[name, all.get(name)]] : [])));
}
