const mqtt = ['dps', 'hub'] as const;

/** The faults of a far side that issues leaves. */
export const ADR_FAULTS = {
  'credentials-status': {
    on: ['hub'],
    means: 'answers a request for a certificate with `status`, `code`, `message`, `retryAfter`, without a 202',
  },
  'credentials-close': { on: ['hub'], means: 'takes a request for a certificate, then closes before the 202' },
  'no-202': { on: ['hub'], means: 'takes a request for a certificate, and sends no 202' },
  'slow-202': { on: ['hub'], means: 'takes a request for a certificate, and sends the 202 `ms` later' },
  'stray-200': { on: ['hub'], means: 'sends the certificate for another rid first' },
  'duplicate-200': { on: ['hub'], means: 'sends the certificate twice' },
  'slow-issue': { on: ['hub'], means: 'sends the certificate `ms` later' },
  'issue-failed': {
    on: ['hub'],
    means: 'refuses a request for a certificate with `status`, `code`, `message`, `retryAfter`, after the 202',
  },
  'issue-key': { on: mqtt, means: 'issues a leaf for another public key' },
  'issue-cn': { on: mqtt, means: 'issues a leaf for another CN (`cn`)' },
  'issue-not-yet': { on: mqtt, means: 'issues a leaf that becomes valid in `ms`' },
  'issue-lifetime': { on: mqtt, means: 'issues a leaf for `ms`; negative: expired already' },
} as const;
