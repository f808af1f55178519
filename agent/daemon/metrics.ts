import { isEndorsed } from '../roll/leaf.ts';
import type { OnboardingCertificate } from '../roll/onboarding-status.ts';
import type { RollState } from '../roll/state.ts';
import type { DaemonOptions } from './options.ts';

/** Every metric, each a gauge, with its meaning. Names are stable: metrics are added, never renamed. */
export const METRICS = {
  newleaf_online: 'A session with the hub is open.',
  newleaf_parked: 'A candidate waits for its enrollment.',
  newleaf_stranded: 'Every automatic way has been refused.',
  newleaf_braked: 'The same work was repeated without success, and is slowed down.',
  newleaf_flaps: 'Sessions in a row that ended within a minute.',
  newleaf_leaf_not_after_seconds: 'When the current leaf ends.',
  newleaf_last_outcome_seconds: 'When the last request ended.',
  newleaf_last_outcome_done: 'Whether it was done.',
  newleaf_issuer: 'Always 1; the label "issuer" says who issues the leaves.',
  newleaf_renewal_pending: 'A leaf is asked for, and has not come.',
  newleaf_onboarding_not_after_seconds: 'When the onboarding certificate ends, where Azure issues the leaves.',
  newleaf_azure_requests:
    'Leaves that were asked of Azure within the last hour, by a CSR each: three at most, until one serves.',
} as const;

type Name = keyof typeof METRICS;

/** A TPM has no end. */
const endOf = (told: OnboardingCertificate | undefined): number | undefined =>
  told === undefined ? undefined : Date.parse(told.notAfter) / 1000;

interface Beside {
  readonly isBraked: boolean;
  readonly onboarding?: Pick<NonNullable<DaemonOptions['onboarding']>, 'told' | 'requests'> | undefined;
}

/**
 * Prometheus text (exposition format 0.0.4). Moments are in seconds since the epoch; unknown values are absent.
 * @param issuer as the configuration names it; undefined with attestation by a TPM
 */
export function metricsOf(state: RollState, { isBraked, onboarding }: Beside, issuer?: string): string {
  const { phase, online, current, next, flaps, outcomes } = state;
  const [last] = outcomes;
  const isAsked = next?.is === 'key-made' && next.for === 'roll';
  const values: Readonly<Record<Name, number | undefined>> = {
    newleaf_online: online === undefined ? 0 : 1,
    newleaf_parked: next?.met === undefined ? 0 : 1,
    newleaf_stranded: phase === 'stranded' ? 1 : 0,
    newleaf_braked: isBraked ? 1 : 0,
    newleaf_flaps: flaps,
    newleaf_leaf_not_after_seconds: current && !isEndorsed(current) ? current.notAfter / 1000 : undefined,
    newleaf_last_outcome_seconds: last && last.endedAt / 1000,
    newleaf_last_outcome_done: last && (last.outcome === 'done' ? 1 : 0),
    newleaf_issuer: issuer === undefined ? undefined : 1,
    newleaf_renewal_pending: issuer === undefined ? undefined : Number(isAsked),
    newleaf_onboarding_not_after_seconds: endOf(onboarding?.told),
    newleaf_azure_requests: onboarding?.requests,
  };
  const labels: Partial<Record<Name, string>> = { newleaf_issuer: `{issuer="${issuer}"}` };
  const known = (Object.entries(values) as [Name, number | undefined][]).filter(([, value]) => value !== undefined);
  return known
    .map(
      ([name, value]) =>
        `# HELP ${name} ${METRICS[name]}\n# TYPE ${name} gauge\n${name}${labels[name] ?? ''} ${value}\n`,
    )
    .join('');
}
