import type { Machine } from './machine.ts';

/** A command of newleaf, and all that it says on one line: a screen breaks it where it likes. */
export async function says(
  machine: Machine,
  ...argv: readonly string[]
): Promise<readonly [code: number | null, text: string]> {
  const { code, out, err } = await machine.run('newleaf', ...argv);
  return [code, `${out}${err}`.replaceAll(/\s+/g, ' ')];
}
