import { isSession } from '../roll/poison.ts';
import type { Ports } from '../roll/ports.ts';
import type { RollState } from '../roll/state.ts';
import type { Happened } from './perform.ts';

/**
 * Before this process may end itself for a module that has lost its state, a new one tries to go on. Where no session is open, and
 * none can be opened, it need not: that is what a new process is for. Without a leaf there is nothing to lose.
 * @param state at the moment of a failure
 */
export const withAnew =
  ({ opensAnew }: Pick<Ports, 'opensAnew'>, state: () => RollState) =>
  async (happening: Promise<Happened>): Promise<Happened> => {
    const event = await happening;
    const { current: leaf, online } = state();
    if (event.kind !== 'failed' || event.failure.code !== 'NL-TOKEN-POISONED' || leaf === undefined) return event;
    const isDown = isSession(event.effect, leaf) && online === undefined;
    const stays = isDown ? undefined : await opensAnew(leaf);
    return { ...event, ...(stays && { stays }) };
  };
