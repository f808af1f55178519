import { isSession } from '../roll/poison.ts';
import type { Ports } from '../roll/ports.ts';
import type { RollState } from '../roll/state.ts';
import type { DaemonOptions } from './options.ts';
import type { Happened } from './perform.ts';

/**
 * Before this process may end itself for a module that has lost its state, a new one tries to go on. Where no session is open, and
 * none can be opened, it need not: that is what a new process is for. Without a leaf there is nothing to lose.
 * Where the key of its leaf is lost, the token may have a newer one.
 * @param state at the moment of a failure
 */
export const withAnew =
  ({ opensAnew, newer }: Pick<Ports, 'opensAnew'> & Pick<DaemonOptions, 'newer'>, state: () => RollState) =>
  async (happening: Promise<Happened>): Promise<Happened> => {
    const event = await happening;
    const { current: leaf, online } = state();
    if (event.kind !== 'failed' || leaf === undefined) return event;
    if (event.failure.code === 'NL-TOKEN-KEY' && 'leaf' in event.effect) {
      const found = event.effect.leaf.thumbprint === leaf.thumbprint ? await newer?.(leaf) : undefined;
      return { ...event, ...(found && { newer: found }) };
    }
    if (event.failure.code !== 'NL-TOKEN-POISONED') return event;
    const isDown = isSession(event.effect, leaf) && online === undefined;
    const stays = isDown ? undefined : await opensAnew(leaf);
    return { ...event, ...(stays && { stays }) };
  };
