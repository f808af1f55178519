import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { attest } from '../../simulator/attest.ts';
import { Authority, thumbprintOf } from '../../simulator/ca.ts';
import { Enrollments, type GroupInput } from '../../simulator/enrollments.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../simulator/switches.ts';

const CERTIFICATE = /-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n?/g;
const YEAR = 365 * 86_400_000;
const NOT_FOUND = 'CA certificate not found.';

const [ca, other] = await Promise.all([Authority.create('ca', 2), Authority.create('other', 1)]);
const [leaf, next] = [await ca.clientIdentity('gw-1'), await ca.clientIdentity('gw-1')];
const late = await ca.clientIdentity('gw-1', { lifetimeMs: 22 * YEAR });

interface Case extends Partial<Switches> {
  readonly enroll: (store: Enrollments) => void;
  /** Default: the leaf. */
  readonly cert?: string;
  /** How many certificates of its chain the client sends. Default: all. */
  readonly sent?: number;
  /** From now. */
  readonly atMs?: number;
}

const individual =
  (more = {}) =>
  (store: Enrollments) =>
    void store.putIndividual({ registrationId: 'gw-1', primary: leaf.cert, ...more });
/** The roots of both CAs are verified, as an operator does it before. */
const group =
  (primary: string, more: Partial<GroupInput> = {}) =>
  (store: Enrollments) => {
    for (const pem of [primary, ca.rootPem, other.rootPem]) store.cas.trust(pem);
    store.putGroup({ groupId: 'all', primary, ...more });
  };
const both =
  (...enrolled: readonly ((store: Enrollments) => void)[]) =>
  (store: Enrollments) => {
    for (const one of enrolled) one(store);
  };
/** Only the root is verified: the issuer must be sent with all above it. */
const rootVerified = (store: Enrollments): void => {
  store.cas.trust(ca.rootPem);
  store.putGroup({ groupId: 'all', primary: ca.issuerPem });
};
const nothingVerified = (store: Enrollments) => void store.putGroup({ groupId: 'all', primary: ca.issuerPem });
const [own = '', , ...above] = leaf.cert.match(CERTIFICATE) ?? [];
const [forged, withoutMiddle] = [own + other.issuerPem, own + above.join('')];
const [short, anyIssuer] = [{ chainMustReachVerifiedCa: false }, { expiredIssuerAtDps: 'accept' }] as const;
const ofIssuer = group(ca.issuerPem);
const disabledGroup = group(ca.issuerPem, { status: 'disabled' });
const disabledRoot = (store: Enrollments) =>
  void store.putGroup({ groupId: 'root', primary: ca.rootPem, status: 'disabled' });
const NO_LEAF = { primary: undefined, status: 'disabled' };
const old = { enroll: group(ca.rootPem), cert: late.cert, atMs: 21 * YEAR };
const sentItself = { enrolledIssuerMayBeLeftOut: false };

/** By the name of a CA that is verified: one that is trusted is named by its hash. */
const byName = (store: Enrollments): string => {
  const primary = thumbprintOf(new X509Certificate(ca.rootPem));
  store.cas.trust(ca.rootPem);
  store.putGroup({ groupId: 'all', caReferences: { primary } });
  return primary;
};

/** What is enrolled and presented, and the enrollment that decides, or the words of the refusal (concepts-x509-attestation). */
const cases: readonly (readonly [what: string, decides: string, Case])[] = [
  ['nothing is enrolled', NOT_FOUND, { enroll: () => undefined }],
  ['individual, primary', 'gw-1', { enroll: individual() }],
  ['individual, secondary', 'gw-1', { enroll: individual({ primary: next.cert, secondary: leaf.cert }) }],
  ['individual without the new leaf', 'Unauthorized', { enroll: individual({ primary: next.cert }) }],
  ['individual before its group', 'Unauthorized', { enroll: both(individual({ primary: next.cert }), ofIssuer) }],
  ['a disabled one, by its ID alone', 'disabled', { enroll: both(individual(NO_LEAF), ofIssuer) }],
  ['an enabled one before a disabled group', 'gw-1', { enroll: both(individual(), disabledGroup) }],
  ['group by the issuer', 'all', { enroll: group(ca.issuerPem) }],
  ['group by the root, which is not sent', 'all', { enroll: group(ca.rootPem) }],
  ['group by the root, where an intermediate must be sent', 'all', { enroll: group(ca.rootPem), ...sentItself }],
  ['group, secondary', 'all', { enroll: group(other.issuerPem, { secondary: ca.issuerPem }) }],
  ['group by the root, intermediates not sent', NOT_FOUND, { enroll: group(ca.rootPem), sent: 1 }],
  [
    'group by the root, one of the intermediates not sent',
    NOT_FOUND,
    { enroll: group(ca.rootPem), cert: withoutMiddle },
  ],
  ['group by the issuer, leaf alone', 'all', { enroll: group(ca.issuerPem), sent: 1 }],
  ['the same, where the issuer must be sent', NOT_FOUND, { enroll: group(ca.issuerPem), sent: 1, ...sentItself }],
  ['group of another CA', NOT_FOUND, { enroll: group(other.issuerPem) }],
  ['a chain with a CA that has not signed', NOT_FOUND, { enroll: group(other.issuerPem), cert: forged }],
  ['root verified, whole chain', 'all', { enroll: rootVerified }],
  ['root verified, leaf and issuer', NOT_FOUND, { enroll: rootVerified, sent: 2 }],
  ['root verified, leaf alone', NOT_FOUND, { enroll: rootVerified, sent: 1 }],
  ['the same, where the chain need not reach a verified CA', 'all', { enroll: rootVerified, sent: 1, ...short }],
  ['nothing verified', NOT_FOUND, { enroll: nothingVerified }],
  ['nothing verified, where that does not matter', 'all', { enroll: nothingVerified, ...short }],
  ['group by the name of a verified CA', 'all', { enroll: byName }],
  ['the same, and the CA is removed', NOT_FOUND, { enroll: (store) => store.cas.remove(byName(store)) }],
  ['disabled group', 'disabled', { enroll: disabledGroup }],
  ['the group that is nearer to the leaf decides', 'all', { enroll: both(ofIssuer, disabledRoot) }],
  ['expired leaf', 'Invalid certificate', { enroll: individual(), atMs: 2 * YEAR }],
  ['leaf from the future', 'Invalid certificate', { enroll: individual(), atMs: -YEAR }],
  ['expired intermediate', NOT_FOUND, old],
  ['the same, where that does not matter', 'all', { ...old, ...anyIssuer }],
];
for (const [what, decides, { enroll, cert = leaf.cert, sent = 3, atMs = 0, ...switches }] of cases) {
  test(`${what}: ${decides}`, () => {
    const store = new Enrollments();
    enroll(store);
    const chain = (cert.match(CERTIFICATE) ?? []).slice(0, sent).map((pem) => new X509Certificate(pem));
    const [first] = chain;
    assert.ok(first);
    const presented = { leaf: first, thumbprint: thumbprintOf(first), chain };
    const got = attest(presented, 'gw-1', store, { ...DEFAULT_SWITCHES, ...switches }, Date.now() + atMs);
    assert.equal('enrollment' in got ? got.enrollment.id : got.disabled ? 'disabled' : got.message, decides);
    if ('errorCode' in got) assert.equal(got.errorCode, 401002);
  });
}

test('a proof by another CA proves nothing, and a certificate is in one enrollment only', async () => {
  const { cas } = new Enrollments();
  const proof = await other.proof(cas.upload('root', ca.rootPem), 'root');
  assert.throws(() => cas.verify('root', proof), /not signed by it/);
  const store = new Enrollments();
  group(ca.issuerPem)(store);
  const more = { groupId: 'more', secondary: ca.issuerPem };
  assert.throws(() => store.putGroup(more), /in the enrollment "all" already/);
  store.replaceCertificates('all', { primary: other.issuerPem });
  store.putGroup(more);
});
