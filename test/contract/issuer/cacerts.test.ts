import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificatesOf } from '../../../agent/certificate/pem.ts';
import { pkcs7 } from '../../unit/certificate/deliver.ts';
import { issued, issueFrom, PKCS7_TYPE, serve } from '../../unit/issuer/est-server.ts';

const answers = [
  ['a page of a proxy', 'text/html', '<html>Please log in</html>'],
  ['garbage', PKCS7_TYPE, 'bm8gUEtDUyM3\n'],
  ['nothing', PKCS7_TYPE, ''],
] as const;

for (const [what, type, body] of answers) {
  test(`where /cacerts answers 200 with ${what}, the leaf that was issued is not lost`, async (t) => {
    const est = await serve(t, (response, { line }) => {
      if (line.endsWith('/cacerts')) response.writeHead(200, { 'Content-Type': type }).end(body);
      else response.writeHead(200, { 'Content-Type': PKCS7_TYPE }).end(pkcs7(issued).toString('base64'));
    });
    assert.deepEqual(certificatesOf(await issueFrom(t, est)), [issued.der]);
  });
}
