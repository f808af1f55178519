import type { Query } from '../../simulator/log.ts';
import { PATIENCE_MS, type Site } from './site.ts';

/** How much far side and daemon had told when the story began. */
export interface Since {
  readonly far: number;
  readonly log: number;
}

/** Resolves at the moment of the cut. */
export type Moment = (at: Site, since: Since) => Promise<unknown>;

export const phase =
  (to: string): Moment =>
  ({ gateway }, since) =>
    gateway.log.waitFor({ event: 'transition', to }, { since: since.log, timeoutMs: PATIENCE_MS });

export const seen =
  (query: Query): Moment =>
  ({ far }, since) =>
    far.log.waitFor(query, PATIENCE_MS, since.far);
