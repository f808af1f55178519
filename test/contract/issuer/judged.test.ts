import assert from 'node:assert/strict';
import '../../simulator/reflect.ts';
import { before, suite, test } from 'node:test';
import { BasicConstraintsExtension, ExtendedKeyUsageExtension, X509Certificate } from '@peculiar/x509';
import fc from 'fast-check';
import { toPem } from '../../../agent/certificate/pem.ts';
import { verify } from '../../../agent/certificate/verify.ts';
import { type Code, Fault } from '../../../agent/failure/failure.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import { ec, type Minted, mint, mintCa, NOW, rsa, spkiOf } from '../../unit/certificate/mint.ts';
import { container, damaged, damages } from './containers.ts';
import { ber, text } from './unreadable.ts';
import { certificatesIn } from './wish.ts';

const CN = 'gw-0001';
const CLIENT = '1.3.6.1.5.5.7.3.2';
const SERVER = '1.3.6.1.5.5.7.3.1';
const ANY = '2.5.29.37.0';
const MINUTE = 60_000;
const RENEW_AT = 0.66;

const keys = await ec();
const others = await ec();
let ca: Minted;
let impostor: Minted;

before(async () => {
  [ca, impostor] = await Promise.all([mintCa(), mintCa()]);
});

/** The path of everything that is delivered: POST /v1/leaf, inbox, direct method, EST and command. */
async function judged(delivered: Buffer): Promise<Leaf | Code> {
  try {
    const { leaf } = verify(await toPem(delivered), {
      key: { slot: 'a', id: '0a' },
      spki: spkiOf(keys),
      cn: CN,
      now: NOW,
      renewAt: ({ notBefore, notAfter }) => notBefore + (notAfter - notBefore) * RENEW_AT,
    });
    return leaf;
  } catch (error) {
    assert.ok(error instanceof Fault, `threw ${error}`);
    return error.failure.code;
  }
}

/** A leaf, sound or not in any way that a CA can get it wrong, its issuer and its packing. Moments are minutes from now. */
const issued = fc.record({
  cn: fc.constantFrom(CN, CN, CN, CN, CN, CN, CN, CN, 'gw-0002', 'GW-0001', 'gw-0001 x', ''),
  ours: fc.constantFrom(true, true, true, true, true, false),
  eku: fc.constantFrom<(readonly string[] | undefined)[]>(undefined, [CLIENT], [CLIENT, SERVER], [ANY], [SERVER]),
  ku: fc.constantFrom(
    undefined,
    ['digitalSignature'] as const,
    ['digitalSignature'] as const,
    ['keyEncipherment'] as const,
  ),
  ca: fc.constantFrom(undefined, false, false, false, false, true),
  begin: fc.oneof(fc.integer({ min: -30 * 1440, max: -1 }), fc.constantFrom(0, 1, 600)),
  length: fc.oneof(fc.integer({ min: 1440, max: 90 * 1440 }), fc.constantFrom(1, 2, 60)),
  hash: fc.constantFrom('SHA-256', 'SHA-256', 'SHA-384', 'SHA-1'),
  issuer: fc.constantFrom('ca', 'ca', 'ca', 'none', 'impostor'),
  container,
});

type Issued = typeof issued extends fc.Arbitrary<infer I> ? I : never;

/** Everything that is wrong with it, as DESIGN has it. */
function faultsOf({ cn, ours, eku, ku, ca, begin, length, hash, issuer }: Issued): Code[] {
  const usable = Math.max(begin, 0);
  const validity = begin + length - usable < 1 || begin + length * RENEW_AT <= usable;
  const wrong: readonly (readonly [Code, boolean])[] = [
    ['NL-LEAF-KEY', !ours],
    ['NL-LEAF-CA', ca === true],
    ['NL-LEAF-CN', cn !== CN],
    [
      'NL-LEAF-EKU',
      (eku !== undefined && !eku.includes(CLIENT) && !eku.includes(ANY)) || ku?.[0] === 'keyEncipherment',
    ],
    ['NL-LEAF-VALIDITY', validity],
    ['NL-LEAF-WEAK', hash === 'SHA-1'],
    ['NL-LEAF-CHAIN', issuer === 'impostor'],
  ];
  const found = wrong.filter(([, is]) => is).map(([code]) => code);
  // A good one that only comes too early is waited for.
  return found.length === 0 && begin > 0 ? ['NL-LEAF-NOT-YET'] : found;
}

async function minted(wish: Issued): Promise<Minted> {
  const begin = NOW + wish.begin * MINUTE;
  return mint({
    by: ca,
    keys: wish.ours ? keys : others,
    subject: wish.cn === '' ? 'O=Contoso' : `CN=${wish.cn}`,
    notBefore: begin,
    notAfter: begin + wish.length * MINUTE,
    signing: { name: 'ECDSA', hash: wish.hash },
    ...(wish.eku && { eku: wish.eku }),
    ...(wish.ku && { ku: wish.ku }),
    ...(wish.ca !== undefined && { ca: wish.ca }),
  });
}

suite('whatever is delivered', { concurrency: true }, () => {
  test('a leaf is accepted when nothing is wrong with it, and else refused for something that is', async () => {
    await fc.assert(
      fc.asyncProperty(issued, async (wish) => {
        const leaf = await minted(wish);
        const issuer = { ca: [ca.der], none: [], impostor: [impostor.der] }[wish.issuer] ?? [];
        const verdict = await judged(wish.container([leaf.der, ...issuer]));
        const wrong = faultsOf(wish);
        if (typeof verdict === 'string') assert.ok(wrong.includes(verdict), `${verdict}, wrong: ${wrong}`);
        else assert.deepEqual([wrong, certificatesIn(verdict.chain)[0]], [[], leaf.der]);
      }),
      { numRuns: 400 },
    );
  });

  test('a damaged delivery is refused, or what is left in it is a leaf for our key and name', async () => {
    const signing = { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 };
    const pss = await mintCa({ keys: await rsa(2048, 'RSA-PSS'), signing });
    const sound = { keys, eku: [CLIENT], ku: ['digitalSignature'], ca: false } as const;
    const chains = [
      [(await mint({ ...sound, by: ca })).der, ca.der],
      [(await mint({ ...sound, by: pss, signing })).der, pss.der],
    ];
    await fc.assert(
      fc.asyncProperty(container, fc.constantFrom(...chains), damages, async (pack, chain, harm) => {
        const verdict = await judged(damaged(pack(chain), harm));
        if (typeof verdict === 'string') assert.match(verdict, /^NL-LEAF-/);
        else await soundBySomebodyElse(verdict);
      }),
      { numRuns: 1_000 },
    );
  });

  test('bytes, text and BER that nobody has made a certificate of are refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 2_000 }), text, ber), async (bytes) => {
        assert.equal(await judged(Buffer.from(bytes)), 'NL-LEAF-PARSE');
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Judged by another library: for our key and name, for clients, valid, and signed by what is sent with it. */
async function soundBySomebodyElse({ chain }: Leaf): Promise<void> {
  const [leaf, ...issuers] = certificatesIn(chain).map((der) => new X509Certificate(der));
  assert.ok(leaf !== undefined);
  assert.deepEqual(Buffer.from(leaf.publicKey.rawData), spkiOf(keys));
  assert.deepEqual(leaf.subjectName.getField('CN'), [CN]);
  assert.ok(leaf.notBefore.getTime() <= NOW && leaf.notAfter.getTime() >= NOW + MINUTE);
  const eku = leaf.getExtension(ExtendedKeyUsageExtension);
  assert.ok(eku === null || eku.usages.includes(CLIENT) || eku.usages.includes(ANY));
  assert.notEqual(leaf.getExtension(BasicConstraintsExtension)?.ca, true);
  let last = leaf;
  for (const issuer of issuers) {
    assert.equal(await last.verify({ publicKey: issuer.publicKey, signatureOnly: true }), true);
    last = issuer;
  }
}
