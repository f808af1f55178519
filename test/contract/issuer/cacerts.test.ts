import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificatesOf } from '../../../agent/certificate/pem.ts';
import { pkcs7 } from '../../unit/certificate/deliver.ts';
import { issued, issueFrom, PKCS7_TYPE, type Script, serve, status } from '../../unit/issuer/est-server.ts';

const answers: Readonly<Record<string, Script>> = {
  'answers 200 with a page of a proxy': status(200, { 'Content-Type': 'text/html' }, '<html>Please log in</html>'),
  'answers 200 with garbage': status(200, { 'Content-Type': PKCS7_TYPE }, 'bm8gUEtDUyM3\n'),
  'answers 200 with nothing': status(200, { 'Content-Type': PKCS7_TYPE }),
  'answers 503': status(503),
  hangs: () => {},
  'drops the connection': (response) => void response.socket?.destroy(),
};

for (const [what, answer] of Object.entries(answers)) {
  test(`where /cacerts ${what}, the leaf that was issued is not lost`, async (t) => {
    const est = await serve(t, (response, seen) => {
      if (seen.line.endsWith('/cacerts')) answer(response, seen);
      else response.writeHead(200, { 'Content-Type': PKCS7_TYPE }).end(pkcs7(issued).toString('base64'));
    });
    assert.deepEqual(certificatesOf(await issueFrom(t, est, { deadlineMs: 1_800 })), [issued.der]);
    assert.equal(est.seen.length, 2);
  });
}
