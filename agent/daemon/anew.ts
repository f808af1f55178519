import type { Leaf } from '../roll/leaf.ts';
import { isSession } from '../roll/poison.ts';
import type { Ports } from '../roll/ports.ts';
import type { Happened } from './perform.ts';

/**
 * Before this process may end itself for a module that has lost its state, a new one tries to go on. For the session it need not:
 * that is what a new process is for. Without a leaf there is nothing to lose.
 * @param current the leaf at the moment of a failure
 */
export const withAnew =
  ({ opensAnew }: Pick<Ports, 'opensAnew'>, current: () => Leaf | undefined) =>
  async (happening: Promise<Happened>): Promise<Happened> => {
    const event = await happening;
    const leaf = current();
    if (event.kind !== 'failed' || event.failure.code !== 'NL-TOKEN-POISONED' || leaf === undefined) return event;
    const stays = isSession(event.effect, leaf) ? undefined : await opensAnew(leaf);
    return { ...event, ...(stays && { stays }) };
  };
