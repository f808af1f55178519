import type { IssuePolicy } from '../ca.ts';
import type { Faults } from '../faults.ts';
import type { HubName } from '../log.ts';

/** What is wrong with the leaf that is issued now. */
export function wrongLeaf(faults: Faults, server: 'dps' | HubName): IssuePolicy {
  const notYet = faults.take(server, 'issue-not-yet');
  const lifetime = faults.take(server, 'issue-lifetime');
  const cn = faults.take(server, 'issue-cn');
  return {
    ...(faults.take(server, 'issue-key') && { otherKey: true }),
    ...(cn && { cn: cn.cn ?? 'another' }),
    ...(notYet && { backdateMs: -(notYet.ms ?? 60_000) }),
    ...(lifetime && { lifetimeMs: lifetime.ms ?? 60_000 }),
  };
}
