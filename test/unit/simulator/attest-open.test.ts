import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { attest } from '../../simulator/attest.ts';
import { Authority, type ClientIdentity } from '../../simulator/ca.ts';
import { Enrollments } from '../../simulator/enrollments.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../simulator/switches.ts';

const CERTIFICATE = /-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n?/g;
const ca = await Authority.create('ca');
const [old, young] = [await ca.clientIdentity('gw-1'), await ca.clientIdentity('gw-1')];

/** The enrollment that decided, or the words of the refusal. */
function decided(store: Enrollments, { cert, thumbprint }: ClientIdentity, switches: Partial<Switches> = {}): string {
  const chain = (cert.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
  const [leaf] = chain;
  assert.ok(leaf);
  const outcome = attest({ leaf, thumbprint, chain }, 'gw-1', store, { ...DEFAULT_SWITCHES, ...switches }, Date.now());
  return 'errorCode' in outcome ? outcome.message : outcome.enrollment.id;
}

describe('a disabled individual enrollment within an enabled group', () => {
  const barred = (primary?: string): Enrollments => {
    const store = new Enrollments();
    store.cas.trust(ca.issuerPem);
    store.putGroup({ groupId: 'all', primary: ca.issuerPem });
    store.putIndividual({ registrationId: 'gw-1', status: 'disabled', ...(primary && { primary }) });
    return store;
  };
  const rows = [
    ['registration-id', 'the old leaf', old.cert, old, 'Unauthorized'],
    ['registration-id', 'the old leaf', old.cert, young, 'Unauthorized'],
    ['registration-id', 'no leaf', undefined, old, 'Unauthorized'],
    ['held-leaf', 'the old leaf', old.cert, old, 'Unauthorized'],
    ['held-leaf', 'the old leaf', old.cert, young, 'all'],
    ['held-leaf', 'no leaf', undefined, old, 'all'],
  ] as const;
  for (const [individualDecidesFor, holds, primary, leaf, expected] of rows) {
    test(`${individualDecidesFor}: it holds ${holds}, the ${leaf === old ? 'old' : 'new'} one comes: ${expected}`, () => {
      assert.equal(decided(barred(primary), leaf, { individualDecidesFor }), expected);
    });
  }
});

describe('a group that refers to CAs by name', () => {
  const referring = async (names: { readonly primary?: string; readonly secondary?: string }): Promise<Enrollments> => {
    const store = new Enrollments();
    store.putGroup({ groupId: 'all', caReferences: names });
    const { cas } = store;
    cas.verify('root', await ca.proof(cas.upload('root', ca.rootPem), 'root'));
    cas.verify('issuer', await ca.proof(cas.upload('issuer', ca.issuerPem), 'intermediate'));
    cas.upload('unproven', ca.rootPem);
    return store;
  };
  const rows = [
    [{ primary: 'root' }, 'all'],
    [{ primary: 'issuer' }, 'all'],
    [{ secondary: 'root' }, 'all'],
    [{ primary: 'unproven' }, 'CA certificate not found.'],
    [{ primary: 'removed' }, 'CA certificate not found.'],
  ] as const;
  for (const [names, expected] of rows) {
    test(`${JSON.stringify(names)}: ${expected}`, async () =>
      assert.equal(decided(await referring(names), old), expected));
  }

  test('a proof by another CA, or with another code, proves nothing', async () => {
    const store = await referring({ primary: 'unproven' });
    const code = store.cas.upload('unproven', ca.rootPem);
    const other = await Authority.create('other', 0);
    const proof = await other.proof(code, 'root');
    assert.throws(() => store.cas.verify('unproven', proof), /not signed by it/);
    assert.throws(() => store.cas.verify('nobody', proof), /no CA "nobody"/);
    assert.equal(decided(store, old), 'CA certificate not found.');
  });
});
