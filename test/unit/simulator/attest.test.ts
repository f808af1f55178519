import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { attest } from '../../simulator/attest.ts';
import { Authority, type ClientIdentity, thumbprintOf } from '../../simulator/ca.ts';
import { Enrollments, type GroupInput } from '../../simulator/enrollments.ts';
import type { Presented } from '../../simulator/presented.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../simulator/switches.ts';

const CERTIFICATE = /-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n?/g;

let ca: Authority;
let other: Authority;
let leaf: ClientIdentity;
let next: ClientIdentity;

before(async () => {
  [ca, other] = await Promise.all([Authority.create('ca', 2), Authority.create('other', 1)]);
  [leaf, next] = [await ca.clientIdentity('gw-1'), await ca.clientIdentity('gw-1')];
});

/** What a client presents that sends the first `sent` certificates of its chain. */
function presented({ cert }: { cert: string }, sent = 3): Presented {
  const chain = (cert.match(CERTIFICATE) ?? []).slice(0, sent).map((pem) => new X509Certificate(pem));
  const [first] = chain;
  assert.ok(first);
  return { leaf: first, thumbprint: thumbprintOf(first), chain };
}

interface Row {
  readonly what: string;
  readonly enroll: (enrollments: Enrollments) => void;
  readonly present?: () => Presented;
  readonly switches?: Partial<Switches>;
  readonly now?: number;
  /** The enrollment that decided, or the words of the refusal. */
  readonly expect: string;
}

const individual = (store: Enrollments, more = {}) =>
  void store.putIndividual({ registrationId: 'gw-1', primary: leaf.cert, ...more });
/** The CA has been verified, as an operator does before. */
function group(store: Enrollments, primary: string, more: Partial<GroupInput> = {}): void {
  for (const pem of [primary, ca.rootPem, other.rootPem]) store.cas.trust(pem);
  store.putGroup({ groupId: 'all', primary, ...more });
}
const YEAR = 365 * 86_400_000;

/** concepts-x509-attestation: "Authentication fails if DPS can't traverse the certificate chain to a verified certificate". */
function chains(): readonly Row[] {
  const unproven = (pem: () => string) => (store: Enrollments) => {
    store.cas.trust(ca.rootPem);
    store.putGroup({ groupId: 'all', primary: pem() });
  };
  const [issuer, root] = [() => ca.issuerPem, () => ca.rootPem];
  const refused = 'CA certificate not found.';
  const nobody = (store: Enrollments) => void store.putGroup({ groupId: 'all', primary: ca.issuerPem });
  const short = { switches: { chainMustReachVerifiedCa: false } };
  return [
    { what: 'issuer enrolled, root verified, whole chain', enroll: unproven(issuer), expect: 'all' },
    {
      what: 'issuer enrolled, root verified, leaf and issuer',
      enroll: unproven(issuer),
      present: () => presented(leaf, 2),
      expect: refused,
    },
    {
      what: 'issuer enrolled, root verified, leaf alone',
      enroll: unproven(issuer),
      present: () => presented(leaf, 1),
      expect: refused,
    },
    {
      what: 'the same, where the chain need not reach a verified CA',
      enroll: unproven(issuer),
      present: () => presented(leaf, 1),
      ...short,
      expect: 'all',
    },
    { what: 'root enrolled and verified, whole chain', enroll: unproven(root), expect: 'all' },
    { what: 'nothing verified', enroll: nobody, expect: refused },
    { what: 'nothing verified, where that does not matter', enroll: nobody, ...short, expect: 'all' },
  ];
}

const rows: readonly Row[] = [
  { what: 'nothing is enrolled', enroll: () => undefined, expect: 'CA certificate not found.' },
  { what: 'individual, primary', enroll: (store) => individual(store), expect: 'gw-1' },
  {
    what: 'individual, secondary',
    enroll: (store) => individual(store, { primary: next.cert, secondary: leaf.cert }),
    expect: 'gw-1',
  },
  {
    what: 'individual without the new leaf (row 3 of the situations)',
    enroll: (store) => individual(store, { primary: next.cert }),
    expect: 'Unauthorized',
  },
  {
    what: 'individual with an enabled group above: the individual decides',
    enroll: (store) => {
      individual(store, { primary: next.cert });
      group(store, ca.issuerPem);
    },
    expect: 'Unauthorized',
  },
  {
    what: 'disabled individual, by registration ID only, bars a member of an enabled group',
    enroll: (store) => {
      store.putIndividual({ registrationId: 'gw-1', status: 'disabled' });
      group(store, ca.issuerPem);
    },
    expect: 'disabled',
  },
  {
    what: 'enabled individual beats a disabled group',
    enroll: (store) => {
      individual(store);
      group(store, ca.issuerPem, { status: 'disabled' });
    },
    expect: 'gw-1',
  },
  { what: 'group by the issuing intermediate', enroll: (store) => group(store, ca.issuerPem), expect: 'all' },
  { what: 'group by the root, which is not sent', enroll: (store) => group(store, ca.rootPem), expect: 'all' },
  {
    what: 'the same where an intermediate would have to be sent',
    enroll: (store) => group(store, ca.rootPem),
    switches: { enrolledIssuerMayBeLeftOut: false },
    expect: 'all',
  },
  {
    what: 'group, secondary',
    enroll: (store) => group(store, other.issuerPem, { secondary: ca.issuerPem }),
    expect: 'all',
  },
  {
    what: 'group by the root, intermediates not sent (row 7)',
    enroll: (store) => group(store, ca.rootPem),
    present: () => presented(leaf, 1),
    expect: 'CA certificate not found.',
  },
  {
    what: 'group by the issuer, leaf sent alone',
    enroll: (store) => group(store, ca.issuerPem),
    present: () => presented(leaf, 1),
    expect: 'all',
  },
  {
    what: 'group by the issuer, leaf sent alone, where DPS wants the issuer sent',
    enroll: (store) => group(store, ca.issuerPem),
    present: () => presented(leaf, 1),
    switches: { enrolledIssuerMayBeLeftOut: false },
    expect: 'CA certificate not found.',
  },
  {
    what: 'group of another CA (row 6)',
    enroll: (store) => group(store, other.issuerPem),
    expect: 'CA certificate not found.',
  },
  {
    what: 'a chain that names its issuer, but has no signature of it',
    enroll: (store) => group(store, other.issuerPem),
    present: () => {
      const honest = presented(leaf, 1);
      return { ...honest, chain: [honest.leaf, new X509Certificate(other.issuerPem)] };
    },
    expect: 'CA certificate not found.',
  },
  ...chains(),
  {
    what: 'disabled group',
    enroll: (store) => group(store, ca.issuerPem, { status: 'disabled' }),
    expect: 'disabled',
  },
  {
    what: 'a disabled group of the root does not matter where the intermediate is enrolled',
    enroll: (store) => {
      group(store, ca.issuerPem);
      store.putGroup({ groupId: 'root', primary: ca.rootPem, status: 'disabled' });
    },
    expect: 'all',
  },
  {
    what: 'expired leaf',
    enroll: (store) => individual(store),
    now: Date.now() + 2 * YEAR,
    expect: 'Invalid certificate',
  },
  {
    what: 'leaf from the future',
    enroll: (store) => individual(store),
    now: Date.now() - YEAR,
    expect: 'Invalid certificate',
  },
];

for (const { what, enroll, present = () => presented(leaf), switches, now = Date.now(), expect } of rows) {
  test(what, () => {
    const enrollments = new Enrollments();
    enroll(enrollments);
    const got = attest(present(), 'gw-1', enrollments, { ...DEFAULT_SWITCHES, ...switches }, now);
    const words = 'enrollment' in got ? got.enrollment.id : got.disabled ? 'disabled' : got.message;
    assert.equal(words, expect);
    if ('errorCode' in got) assert.equal(got.errorCode, 401002);
  });
}

for (const [decision, expect] of [
  ['refuse', 'CA certificate not found.'],
  ['accept', 'all'],
] as const) {
  test(`an expired intermediate: ${decision}`, async () => {
    const now = Date.now() + 21 * YEAR;
    const late = await ca.clientIdentity('gw-1', { lifetimeMs: 22 * YEAR });
    const enrollments = new Enrollments();
    group(enrollments, ca.rootPem);
    const switches = { ...DEFAULT_SWITCHES, expiredIssuerAtDps: decision };
    const got = attest(presented(late), 'gw-1', enrollments, switches, now);
    assert.equal('enrollment' in got ? got.enrollment.id : got.message, expect);
  });
}

test('a certificate can be in only one enrollment', () => {
  const enrollments = new Enrollments();
  group(enrollments, ca.issuerPem);
  assert.throws(
    () => enrollments.putGroup({ groupId: 'more', secondary: ca.issuerPem }),
    /in the enrollment "all" already/,
  );
  enrollments.replaceCertificates('all', { primary: other.issuerPem });
  enrollments.putGroup({ groupId: 'more', secondary: ca.issuerPem });
});
