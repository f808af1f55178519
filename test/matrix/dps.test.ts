import type { FaultOptions } from '../simulator/faults.ts';
import { ofDps, REGISTER, register } from './laid.ts';
import { type Fault, matrix } from './play.ts';

/** newleaf gives a registration two minutes. */
const LATE = { withinMs: 150_000 } as const;
/** What does not pass by itself, so that somebody must look. */
const LOOK = { exit: 1 } as const;
/** The session is open, and nothing was lost yet; but with the next refusal by the hub there would be no way. */
const REFUSED = {
  exit: 1,
  by: `the operator enrolls the leaf again, ${REGISTER}`,
  cost: { registrations: 5, leaves: 1 },
} as const;

const answers = (status: number, code: RegExp, more: FaultOptions = {}): Fault =>
  ofDps(`answers ${more.code ?? status}`, 'register-status', code, { with: { status, ...more } });

const FAULTS: readonly Fault[] = [
  ofDps('its port is closed', 'port-closed', /^NL-DPS-UNREACHABLE$/),
  ofDps('takes connections, and says nothing', 'silent', /^NL-DPS-(UNREACHABLE|TIMEOUT)$/, LATE),
  ofDps('its CA has changed', 'untrusted-server', /^NL-DPS-UNTRUSTED$/, LOOK),
  ofDps('CONNACK 1', 'connack', /^NL-DPS-SERVER$/, { with: { code: 1 } }),
  ofDps('CONNACK 3', 'connack', /^NL-DPS-SCOPE$/, { with: { code: 3 }, ...LOOK }),
  ...[2, 4, 5].map((code) => ofDps(`CONNACK ${code}`, 'connack', /^NL-DPS-REJECTED$/, { with: { code }, ...REFUSED })),
  answers(400, /^NL-DPS-OTHER$/, { code: 400004 }),
  answers(403, /^NL-DPS-OTHER$/, { code: 403000 }),
  answers(409, /^NL-DPS-CONFLICT$/, { code: 409203 }),
  answers(412, /^NL-DPS-CONFLICT$/),
  ofDps('answers 429001', 'register-status', /^NL-DPS-THROTTLED$/, {
    with: { status: 429, code: 429001, retryAfter: '7' },
    pauses: [7_000],
  }),
  ofDps('answers 500', 'register-status', /^NL-DPS-SERVER$/, { with: { status: 500 }, pauses: [3_750, 7_500] }),
  answers(503, /^NL-DPS-SERVER$/),
  { ...answers(401, /^NL-DPS-401002$/, { code: 401002 }), ...REFUSED },
  { ...answers(404, /^NL-DPS-404201$/, { code: 404201 }), ...REFUSED },
  {
    ...ofDps('the enrollment is disabled', 'empty-body', /^NL-DPS-DISABLED$/, REFUSED),
    async begin(at) {
      await at.far.setStatus('gateways', 'disabled');
      await register(at);
    },
    async end(at) {
      await at.far.setStatus('gateways', 'enabled');
      await register(at);
    },
  },
  ofDps('loses the operation (404 to a poll)', 'poll-status', /^NL-DPS-SERVER$/, {
    with: { status: 404, code: 404202 },
  }),
  ofDps('answers a poll with 503', 'poll-status', /^NL-DPS-SERVER$/, { with: { status: 503 } }),
  ...[400207, 400208, 400209, 401001].map((code) =>
    ofDps(`can assign no hub (${code})`, 'allocation-failed', /^NL-DPS-ALLOCATION$/, { with: { code }, ...LOOK }),
  ),
  ofDps('may not write to the hub (401002 to a poll)', 'allocation-failed', /^NL-DPS-ALLOCATION$/, {
    with: { code: 401002, message: 'IotHubUnauthorizedAccess' },
    ...LOOK,
  }),
  ofDps('answers with an empty body', 'empty-body', /^NL-DPS-BODY$/),
  ofDps('answers with HTML', 'not-json', /^NL-DPS-BODY$/),
  ofDps('answers without a status', 'no-status', /^NL-DPS-BODY$/),
  ofDps('closes at the request', 'drop-before', /^NL-DPS-UNREACHABLE$/),
  ofDps('writes, and its answer is lost', 'drop-after', /^NL-DPS-UNREACHABLE$/),
  ofDps('closes at the poll', 'drop-on-poll', /^NL-DPS-UNREACHABLE$/),
  ofDps('never answers', 'no-answer', /^NL-DPS-TIMEOUT$/, LATE),
];

matrix('DPS', FAULTS, import.meta.filename);
