import { ofIssuer } from './laid.ts';
import { type Fault, matrix } from './play.ts';

const LOOK = { exit: 1 } as const;
/** What is delivered is wrong: the current leaf serves on, and a person is needed for the next one. */
const WRONG = { exit: 4 } as const;
/** A request that is in flight is waited for, also by who asks again. */
const LATE = { withinMs: 150_000, backWithinMs: 240_000 } as const;

const FAULTS: readonly Fault[] = [
  ofIssuer('its port is closed', 'port-closed', /^NL-EST-UNREACHABLE$/),
  ofIssuer('its CA has changed', 'untrusted-server', /^NL-EST-UNTRUSTED$/, LOOK),
  ofIssuer('takes connections, and says nothing', 'silent', /^NL-EST-UNREACHABLE$/, LATE),
  ofIssuer('never answers the request', 'est-hang', /^NL-EST-UNREACHABLE$/, LATE),
  ofIssuer('answers 503', 'est-status', /^NL-EST-SERVER$/, { with: { status: 503 } }),
  ofIssuer('answers 401', 'est-status', /^NL-EST-AUTH$/, { with: { status: 401 }, ...WRONG }),
  ofIssuer('answers 403', 'est-status', /^NL-EST-AUTH$/, { with: { status: 403 }, ...WRONG }),
  ofIssuer('answers 202, and asks for patience', 'est-wait', /^NL-EST-WAIT$/, { with: { retryAfter: '5' } }),
  ofIssuer('answers with something else', 'est-garbage', /^NL-EST-BODY$/, LOOK),
  ofIssuer('issues for another CN', 'est-cn', /^NL-LEAF-CN$/, WRONG),
  ofIssuer('issues for another key', 'est-key', /^NL-LEAF-KEY$/, WRONG),
  ofIssuer('issues a leaf for servers', 'est-eku', /^NL-LEAF-EKU$/, WRONG),
  ofIssuer('issues a leaf that has expired', 'est-lifetime', /^NL-LEAF-VALIDITY$/, WRONG),
  ofIssuer('signs with SHA-1', 'est-weak', /^NL-LEAF-WEAK$/, WRONG),
];

matrix('the issuer', FAULTS, import.meta.filename);
