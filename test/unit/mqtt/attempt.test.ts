import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dpsLinkFault as dpsFault } from '../../../agent/dps/refusal.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { hubLinkFault as hubFault } from '../../../agent/hub/link-fault.ts';
import { type Attempt, isUnanswered } from '../../../agent/mqtt/attempt.ts';

const error = (code: string, library?: string): NonNullable<Attempt['error']> =>
  Object.assign(new Error('Connection refused: Not authorized'), { code, ...(library ? { library } : {}) });

/** Attempt, then the code for a hub and the code for DPS. */
const ROWS: readonly (readonly [Attempt, string, string])[] = [
  [{ phase: 'refused', connack: 1 }, 'NL-HUB-UNAVAILABLE', 'NL-DPS-SERVER'],
  [{ phase: 'refused', connack: 2 }, 'NL-HUB-REJECTED', 'NL-DPS-REJECTED'],
  [{ phase: 'refused', connack: 3 }, 'NL-HUB-UNAVAILABLE', 'NL-DPS-SCOPE'],
  [{ phase: 'refused', connack: 4 }, 'NL-HUB-REJECTED', 'NL-DPS-REJECTED'],
  [{ phase: 'refused', connack: 5 }, 'NL-HUB-REJECTED', 'NL-DPS-REJECTED'],
  [{ phase: 'refused', connack: 6 }, 'NL-HUB-UNAVAILABLE', 'NL-DPS-SCOPE'],
  [{ phase: 'refused', connack: 5, socketError: 'ECONNRESET' }, 'NL-HUB-REJECTED', 'NL-DPS-REJECTED'],
  [{ phase: 'connected', connack: 0 }, 'NL-HUB-LOST', 'NL-DPS-UNREACHABLE'],
  [{ phase: 'connected', connack: 0, socketError: 'ECONNRESET' }, 'NL-HUB-LOST', 'NL-DPS-UNREACHABLE'],
  [{ phase: 'tcp' }, 'NL-HUB-UNREACHABLE', 'NL-DPS-UNREACHABLE'],
  [{ phase: 'tcp', socketError: 'ENOTFOUND' }, 'NL-HUB-UNREACHABLE', 'NL-DPS-UNREACHABLE'],
  [{ phase: 'tcp', socketError: 'EAI_AGAIN' }, 'NL-HUB-UNREACHABLE', 'NL-DPS-UNREACHABLE'],
  [{ phase: 'tcp', socketError: 'ECONNREFUSED' }, 'NL-HUB-UNREACHABLE', 'NL-DPS-UNREACHABLE'],
  [{ phase: 'tcp', socketError: 'ETIMEDOUT' }, 'NL-HUB-UNREACHABLE', 'NL-DPS-UNREACHABLE'],
  [{ phase: 'tls', socketError: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'NL-HUB-UNTRUSTED', 'NL-DPS-UNTRUSTED'],
  [{ phase: 'tls', socketError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'NL-HUB-UNTRUSTED', 'NL-DPS-UNTRUSTED'],
  [{ phase: 'tls', socketError: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'NL-HUB-UNTRUSTED', 'NL-DPS-UNTRUSTED'],
  [{ phase: 'tls', socketError: 'CERT_HAS_EXPIRED' }, 'NL-HUB-UNTRUSTED', 'NL-DPS-UNTRUSTED'],
  [{ phase: 'tls', socketError: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'NL-HUB-UNTRUSTED', 'NL-DPS-UNTRUSTED'],
  [{ phase: 'tls', socketError: 'ECONNRESET' }, 'NL-HUB-CLOSED', 'NL-DPS-UNREACHABLE'],
  [{ phase: 'connack' }, 'NL-HUB-CLOSED', 'NL-DPS-UNREACHABLE'],
  [{ phase: 'connack', socketError: 'ETIMEDOUT' }, 'NL-HUB-CLOSED', 'NL-DPS-UNREACHABLE'],
  // An alert about our certificate is not CONNACK: it may as well come from a proxy.
  [
    {
      phase: 'connack',
      socketError: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      error: error('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'SSL routines'),
    },
    'NL-HUB-CLOSED',
    'NL-DPS-UNREACHABLE',
  ],
  // The other side does not speak TLS: a captive portal.
  [
    {
      phase: 'tls',
      socketError: 'ERR_SSL_WRONG_VERSION_NUMBER',
      error: error('ERR_SSL_WRONG_VERSION_NUMBER', 'SSL routines'),
    },
    'NL-NETWORK-PORTAL',
    'NL-NETWORK-PORTAL',
  ],
];

for (const [attempt, hub, dps] of ROWS) {
  test(`${attempt.phase} ${attempt.connack ?? ''} ${attempt.socketError ?? ''}: ${hub}, ${dps}`, () => {
    const [atHub, atDps] = [hubFault(attempt), dpsFault(attempt)];
    assert(atHub instanceof Fault && atDps instanceof Fault);
    assert.equal(atHub.failure.code, hub);
    assert.equal(atDps.failure.code, dps);
  });
}

/** Whether another port may help. */
const UNANSWERED: readonly (readonly [Attempt, boolean])[] = [
  [{ phase: 'tcp', socketError: 'ECONNREFUSED' }, true],
  [{ phase: 'tcp', socketError: 'ETIMEDOUT' }, true],
  [{ phase: 'tcp', socketError: 'ENOTFOUND' }, false],
  [{ phase: 'tls', socketError: 'ETIMEDOUT' }, true],
  // A firewall that cuts TLS off at the ClientHello, by a reset or by an end.
  [{ phase: 'tls', socketError: 'ECONNRESET' }, true],
  [{ phase: 'tls', socketError: 'EPIPE' }, true],
  [{ phase: 'tls', socketError: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE' }, false],
  [{ phase: 'tls', socketError: 'ERR_SSL_WRONG_VERSION_NUMBER' }, false],
  [{ phase: 'tls', socketError: 'SELF_SIGNED_CERT_IN_CHAIN' }, false],
  [{ phase: 'connack', socketError: 'ECONNRESET' }, false],
  [{ phase: 'connack', socketError: 'ETIMEDOUT' }, false],
  [{ phase: 'refused', connack: 5 }, false],
];

for (const [attempt, is] of UNANSWERED) {
  test(`${attempt.phase} ${attempt.socketError ?? ''} is ${is ? 'no answer' : 'an answer'}`, () => {
    assert.equal(isUnanswered(attempt), is);
  });
}

const LOCAL = [
  error('ERR_SSL_OBJECT_HANDLE_INVALID', 'PKCS#11 module'),
  error('ERR_OSSL_PIN_INCORRECT', 'PKCS#11 module'),
  error('ERR_OSSL_UNABLE_TO_LOAD_PKCS#11_MODULE'),
  error('ERR_SSL_COMMAND_TIMEOUT', 'engine routines'),
];

for (const thrown of LOCAL) {
  const code = String(Object(thrown).code);
  test(`${code} is the token's, and comes back as it is`, () => {
    const attempt: Attempt = { phase: 'tls', error: thrown, socketError: code };
    assert.equal(hubFault(attempt), thrown);
    assert.equal(dpsFault(attempt), thrown);
  });
}

test('a CONNACK is named in the cause', () => {
  assert.match(String(hubFault({ phase: 'refused', connack: 4 })), /NL-HUB-REJECTED .*CONNACK 4/);
});
