import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commonNamesOf } from '../../agent/certificate/name.ts';
import { Fault } from '../../agent/failure/failure.ts';
import { EarlyChain } from '../../agent/keys/early-chain.ts';
import { createJudge } from '../../agent/keys/judge.ts';
import type { Token } from '../../hsm/token.ts';
import { opensslSays, read } from '../unit/certificate/openssl.ts';

/** What is read of a case (limbo/models.py). */
interface Case {
  readonly id: string;
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly peer_certificate_key: string | null;
  readonly validation_time: string | null;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
}

const STRICT =
  'a rule that OpenSSL obeys under X509_V_FLAG_X509_STRICT alone, which Node does not offer; or one of browsers';
/** Which cases are judged otherwise, and why. */
const OTHERWISE: readonly (readonly [string, RegExp])[] = [
  ['no CRL is looked at: an operator disables the enrollment', /^crl::/],
  [
    'no name of a host is looked at: a leaf has the registration ID as its CN',
    /^webpki::(san|cn)::|^rfc5280::san::|^rfc5280::nc::(invalid-dnsname-leading|nc-permits-invalid-|nc-forbids-dnsname-wildcard)|^cve::cve-(2024-0567|2025-61727$)/,
  ],
  ['no limit for the depth is set', /::max-chain-depth-\d-exhausted$|-max-depth$/],
  [
    'what DPS trusts is not known here: a chain may end at any CA',
    /^rfc5280::(chain-untrusted-root|intermediate-ca-missing-basic-constraints)$|-missing-intermediate$|^pathological::intermediate-cycle/,
  ],
  ['the key of its leaf is not told, so OpenSSL is not asked', /^webpki::explicit-curve$/],
  ['a leaf with CA:TRUE is refused', /^pathlen::validation-ignores-pathlen-in-leaf$|^rfc5280::ca-as-leaf$/],
  ['a leaf has a minute of validity left at least', /^rfc5280::validity::notafter-/],
  [
    STRICT,
    /^(rfc5280|webpki)::(aki|ski|serial|pc|eku)::|^webpki::nc::|^rfc5280::nc::(permitted-dns-match-noncritical|not-allowed-in-ee)|^rfc5280::(ee-empty-issuer|ca-empty-subject|root-non-critical-basic|(ica|leaf)-ku-keycertsign)|^webpki::(malformed-aia|forbidden-rsa|v1-cert)/,
  ],
];

const { NEWLEAF_TEST_LIMBO: clone = '' } = process.env;
const cases = execFileSync('python3', ['-W', 'ignore', join(import.meta.dirname, 'cases.py'), clone], {
  maxBuffer: 2 ** 28,
})
  .toString()
  .trim()
  .split('\n')
  .map((line): Case => JSON.parse(line));
const figures: Record<string, number> = {};
after(() => console.log(figures));

/** The judgement of the daemon, with a key that is in a file. */
async function judgedBy(one: Case): Promise<string> {
  const [leaf] = read(one.peer_certificate);
  assert.ok(leaf);
  const now = one.validation_time === null ? Date.now() : Date.parse(one.validation_time);
  const spki = leaf.publicKey.export({ type: 'spki', format: 'der' });
  const token = { findById: async () => ({ spki }) } as unknown as Token;
  const [registrationId = ''] = commonNamesOf(leaf);
  const log = { error() {}, warn() {}, info() {}, debug() {} };
  const options = { token, registrationId, current: () => undefined, now: () => now, early: new EarlyChain(), log };
  const key = one.peer_certificate_key;
  const judge = createJudge(options, 'off', async ({ chain, anchor }) =>
    key?.length ? opensslSays(key, chain, anchor) : undefined,
  );
  const delivered = [one.peer_certificate, ...one.untrusted_intermediates, ...one.trusted_certs].join('\n');
  return judge(delivered, { slot: 'a', id: '0a' }).then(
    () => 'accepted',
    (error: unknown) => (error instanceof Fault ? error.failure.code : Promise.reject(error)),
  );
}

for (const one of cases) {
  test(one.id, async (t) => {
    const code = await judgedBy(one);
    const is = code === 'accepted' ? 'accepted' : 'refused';
    const isExpected = (one.expected_result === 'SUCCESS') === (is === 'accepted');
    const [why] = isExpected ? [] : (OTHERWISE.find(([, ids]) => ids.test(one.id)) ?? []);
    const what = `${one.expected_result === 'SUCCESS' ? 'good' : 'bad'}, ${is}${why === undefined ? '' : `: ${why}`}`;
    figures[what] = (figures[what] ?? 0) + 1;
    t.diagnostic(code);
    assert.ok(isExpected || why !== undefined, `expected: ${one.expected_result}, and it is ${code}`);
  });
}
