import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { BUDGETS } from './budgets.ts';
import { type Budget, line, type Reading, room } from './reading.ts';

/** The Node of the readings. */
interface Subject {
  readonly name: string;
  readonly major: number;
}

/**
 * Prints the readings and judges them. What is over its budget is measured once more: the machine may have been busy.
 * @param again takes the same readings once more
 * @param by ratios: a budget in a unit is left out
 */
export async function judged(
  t: TestContext,
  { name, major }: Subject,
  taken: Promise<readonly Reading[]>,
  again: () => Promise<readonly Reading[]>,
  by: 'units' | 'ratios' = 'units',
): Promise<void> {
  const budgetOf = (reading: Reading): Budget | undefined => {
    const budget = BUDGETS[reading.name]?.[major < 24 ? 'node20' : 'node24'];
    if (by === 'units') return budget;
    return budget?.times === undefined ? undefined : { times: budget.times };
  };
  const isOver = (reading: Reading) => {
    const budget = budgetOf(reading);
    return budget !== undefined && !(room(reading, budget) >= 0);
  };
  let readings = await taken;
  if (readings.some(isOver)) {
    const second = await again();
    readings = readings.map((one) => (isOver(one) ? (second.find((other) => other.name === one.name) ?? one) : one));
  }
  for (const reading of readings) t.diagnostic(`${name}: ${line(reading, budgetOf(reading))}`);
  const over = readings.filter(isOver).map((reading) => line(reading, budgetOf(reading)));
  assert.deepEqual(over, [], `over budget on ${name}`);
}
