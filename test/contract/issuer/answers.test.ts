import '../../simulator/reflect.ts';
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { suite, test } from 'node:test';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import fc from 'fast-check';
import { Fault } from '../../../agent/failure/failure.ts';
import { certificatesFrom } from '../../../agent/issuer/answer.ts';
import { csr } from '../../../hsm/csr.ts';
import { damaged, damages } from './containers.ts';
import { CERTS_ONLY, certsOnly } from './stand-in.ts';
import { ber, text } from './unreadable.ts';

const octets = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const status = fc.oneof(fc.constant(200), fc.integer({ min: 100, max: 599 }));
const retryAfter = fc.oneof(
  fc.string(),
  fc.nat().map(String),
  fc.date().map((date) => (Number.isNaN(date.getTime()) ? 'Mon, 99 Xxx 2026 25:00:00 GMT' : date.toUTCString())),
);
const headers = fc.record(
  {
    'content-type': fc.oneof(fc.constantFrom(CERTS_ONLY, 'APPLICATION/PKCS7-MIME', 'text/html'), fc.string()),
    'retry-after': retryAfter,
    location: fc.webUrl(),
    'www-authenticate': fc.string(),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  fc.uint8Array({ maxLength: 500 }).map(Buffer.from),
  text,
  ber.map((der) => Buffer.from(octets(der))),
  damages.map((harm) => damaged(Buffer.from(certsOnly([Buffer.from('30020500', 'hex')])), harm)),
);

suite('what goes out to an issuer, and what comes back', () => {
  test('an answer of an EST server holds certificates, or has a code; a pause that it asks for is one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record({ status, headers, body, cut: fc.boolean() }), async (reply) => {
        try {
          const found = await certificatesFrom('simpleenroll', reply, Date.now());
          assert.ok(reply.status === 200 && !reply.cut && found.length > 0);
        } catch (error) {
          assert.ok(error instanceof Fault, `threw ${error}`);
          const { code, retryAfterMs = 0 } = error.failure;
          assert.match(code, /^NL-EST-(WAIT|AUTH|SERVER|REFUSED|BODY)$/);
          assert.ok(retryAfterMs >= 0 && Number.isFinite(retryAfterMs));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('a request can be read by another library: signed by its key, with the registration ID as its CN', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const key = { label: 'newleaf-a', id: '0a', spki, keyType: 'ec-p256' } as const;
    const registrationId = fc.stringMatching(/^[A-Za-z0-9._:-]{0,63}[A-Za-z0-9-]$/);
    await fc.assert(
      fc.asyncProperty(registrationId, async (cn) => {
        const made = new Pkcs10CertificateRequest(
          await csr(cn, key, async (message) => sign('sha256', message, privateKey)),
        );
        assert.deepEqual(made.subjectName.getField('CN'), [cn]);
        assert.deepEqual(Buffer.from(made.publicKey.rawData), spki);
        assert.equal(await made.verify(), true);
      }),
    );
  });
});
