import type { Failure } from '../failure/failure.ts';
import type { Alarm, Outcome, RollEffect, Transition } from '../roll/state.ts';

type Told = Pick<Failure, 'code' | 'message' | 'advice'>;

/** What the daemon tells its listeners, also over the control socket (`/v1/events`). Moments are ISO 8601. */
export type DaemonEvent =
  | ({ readonly type: 'failed'; readonly effect: RollEffect['kind'] } & Told)
  | ({ readonly type: 'transition'; readonly at: string } & Omit<Transition, 'at'>)
  | ({ readonly type: 'outcome'; readonly at: string } & Pick<Outcome, 'id' | 'action' | 'reason' | 'outcome'> &
      Partial<Told>)
  | ({ readonly type: 'trouble' } & Told)
  | ({ readonly type: 'alarm'; readonly alarm: Alarm } & Told)
  | { readonly type: 'online' | 'offline'; readonly hub: string | undefined }
  | { readonly type: 'changed' };

/** Tells the listener from now on. @returns what ends this */
export type Subscribe = (listener: (event: DaemonEvent) => void) => () => void;
