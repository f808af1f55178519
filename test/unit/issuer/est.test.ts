import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { certificatesOf, wrapped } from '../../../agent/certificate/pem.ts';
import { Authority } from '../../simulator/ca.ts';
import { pkcs7 } from '../certificate/deliver.ts';
import {
  AUTHORIZATION,
  authority,
  basic,
  connector,
  csr,
  files,
  grant,
  issued,
  issueFrom,
  issuer,
  PKCS7_TYPE,
  type Script,
  serve,
  status,
} from './est-server.ts';
import { failureOf } from './script.ts';

const current = await authority.clientIdentity('gw-0001');

const lines = (seen: readonly { line: string }[]): string[] => seen.map(({ line }) => line);
const enroll = 'POST /.well-known/est/simpleenroll';
const reenroll = 'POST /.well-known/est/simplereenroll';
const cacerts = 'GET /.well-known/est/cacerts';

test('without a leaf: simpleenroll with Basic, as RFC 7030 and libest want it', async (t) => {
  const est = await serve(t, grant);
  const chain = await issueFrom(t, est, basic(t));
  assert.deepEqual(certificatesOf(chain), [issued.der, issuer.der]);
  const [{ line, headers, body, client } = assert.fail()] = est.seen;
  assert.equal(line, enroll);
  assert.equal(headers.authorization, AUTHORIZATION);
  assert.equal(headers['content-type'], 'application/pkcs10');
  assert.equal(headers['content-transfer-encoding'], 'base64');
  assert.equal(headers.connection, 'close');
  assert.equal(body, wrapped(certificateRequest()));
  assert.match(body, /^[\w+/]{64}\n[\w+/]+=*\n$/);
  assert.equal(client, undefined);
});

const certificateRequest = (): Buffer => Buffer.from(csr.replace(/-----.*-----|\n/g, ''), 'base64');

test('without a leaf and without credentials the server decides', async (t) => {
  const est = await serve(t, grant);
  await issueFrom(t, est);
  assert.equal(est.seen[0]?.headers.authorization, undefined);
});

test('a label in the URL is kept, and a last slash is no second one', async (t) => {
  const est = await serve(t, grant);
  await issueFrom(t, { url: `${est.url}/gateways/` });
  assert.deepEqual(lines(est.seen), ['POST /.well-known/est/gateways/simpleenroll']);
});

test('with a leaf: simplereenroll by mutual TLS, and no password', async (t) => {
  const est = await serve(t, grant);
  await issueFrom(t, est, { ...basic(t), clientConnector: connector(current) });
  assert.deepEqual(lines(est.seen), [reenroll]);
  assert.equal(est.seen[0]?.client, 'gw-0001');
  assert.equal(est.seen[0]?.headers.authorization, undefined);
});

test('no usable leaf: simpleenroll', async (t) => {
  const est = await serve(t, grant);
  await issueFrom(t, est, { ...basic(t), clientConnector: async () => undefined });
  assert.deepEqual(lines(est.seen), [enroll]);
});

/** Grants by name only what the credentials are good for. */
const strict =
  (refusal: Script): Script =>
  (response, seen) =>
    (seen.line === enroll && seen.headers.authorization === AUTHORIZATION ? grant : refusal)(response, seen);

for (const code of [401, 403]) {
  test(`simplereenroll refused with ${code}: one simpleenroll with Basic, without the leaf`, async (t) => {
    const est = await serve(t, strict(status(code)));
    await issueFrom(t, est, { ...basic(t), clientConnector: connector(current) });
    assert.deepEqual(lines(est.seen), [reenroll, enroll]);
    assert.equal(est.seen[1]?.client, undefined);
  });
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`the server hangs up on the leaf in ${maxVersion}: one simpleenroll with Basic`, async (t) => {
    const est = await serve(t, strict(status(500)), { maxVersion });
    // node's own server with rejectUnauthorized does this: no alert tells why
    est.https.prependListener('secureConnection', (socket) => socket.getPeerCertificate().subject && socket.destroy());
    const clientConnector = connector(current);
    await issueFrom(t, est, { ...basic(t), clientConnector });
    assert.deepEqual(lines(est.seen), [enroll]);
    const { code } = await failureOf(issueFrom(t, est, { clientConnector }));
    assert.equal(code, 'NL-EST-UNREACHABLE', 'without Basic it may as well be an outage');
  });
}

test('a bootstrap identity stands in where there is no leaf, and where it is refused', async (t) => {
  const bootstrapConnector = connector(await authority.clientIdentity('factory-77'));
  const est = await serve(t, (response, seen) => (seen.line === enroll ? grant : status(403))(response, seen));
  await issueFrom(t, est, { bootstrapConnector });
  await issueFrom(t, est, { bootstrapConnector, clientConnector: connector(current) });
  assert.deepEqual(lines(est.seen), [enroll, reenroll, enroll]);
  assert.deepEqual(
    est.seen.map(({ client }) => client),
    ['factory-77', 'gw-0001', 'factory-77'],
  );
});

test('simplereenroll refused, and no Basic to try: the refusal stands', async (t) => {
  const est = await serve(t, status(401));
  const { code } = await failureOf(issueFrom(t, est, { clientConnector: connector(current) }));
  assert.equal(code, 'NL-EST-AUTH');
  assert.deepEqual(lines(est.seen), [reenroll]);
});

test('simplereenroll refused for another reason: Basic is no way around it', async (t) => {
  const est = await serve(t, status(400));
  const { code } = await failureOf(issueFrom(t, est, { ...basic(t), clientConnector: connector(current) }));
  assert.equal(code, 'NL-EST-REFUSED');
  assert.deepEqual(lines(est.seen), [reenroll, 'GET /.well-known/est/csrattrs']);
});

/** Sends the leaf alone, and what is given under /cacerts. */
const leafOnly =
  (authorities: Script): Script =>
  (response, seen) =>
    seen.line === cacerts
      ? authorities(response, seen)
      : void response.writeHead(200, { 'Content-Type': PKCS7_TYPE }).end(pkcs7(issued).toString('base64'));

test('an answer with the leaf alone, as RFC 7030 has it, is completed from /cacerts', async (t) => {
  const authorities = status(200, { 'Content-Type': PKCS7_TYPE }, pkcs7(issuer).toString('base64'));
  const est = await serve(t, leafOnly(authorities));
  assert.deepEqual(certificatesOf(await issueFrom(t, est)), [issued.der, issuer.der]);
  assert.deepEqual(lines(est.seen), [enroll, cacerts]);
});

test('where /cacerts is refused, the leaf goes alone', async (t) => {
  const est = await serve(t, leafOnly(status(404)));
  assert.deepEqual(certificatesOf(await issueFrom(t, est)), [issued.der]);
});

test('CAs and password are read again at each request', async (t) => {
  const est = await serve(t, strict(status(401)));
  const { rootPem: stranger } = await Authority.create('Stranger', 0);
  const { caFile = '', passwordFile = '' } = files(t, { caFile: stranger, passwordFile: 'old' });
  const settings = { caFile, username: 'gw', passwordFile };
  assert.equal((await failureOf(issueFrom(t, est, settings))).code, 'NL-EST-UNTRUSTED');
  writeFileSync(caFile, authority.rootPem);
  assert.equal((await failureOf(issueFrom(t, est, settings))).code, 'NL-EST-AUTH');
  writeFileSync(passwordFile, 'pass:word\r\n');
  assert.deepEqual(certificatesOf(await issueFrom(t, est, settings)), [issued.der, issuer.der]);
});

test('a file that cannot be read is a fault of the configuration, and nothing is sent', async (t) => {
  const est = await serve(t, grant);
  const noPassword = await failureOf(issueFrom(t, est, { username: 'gw', passwordFile: '/nowhere/password' }));
  assert.equal(noPassword.code, 'NL-CONFIG');
  assert.match(noPassword.message, /issuer\.est\.password_file: \/nowhere\/password/);
  const noCa = await failureOf(issueFrom(t, est, { caFile: '/nowhere/ca.pem' }));
  assert.match(noCa.message, /issuer\.est\.ca_file: \/nowhere\/ca\.pem/);
  assert.deepEqual(est.seen, []);
});

test('an empty file of CAs is a fault of the configuration, and not trust in the CAs that Node knows', async (t) => {
  // Node 20 to 26: `ca: ''` is as good as none, so what came with Node, or is named by NODE_EXTRA_CA_CERTS, would vouch.
  const est = await serve(t, grant);
  for (const text of ['', '\n', 'no PEM']) {
    const { caFile = '' } = files(t, { caFile: text });
    const { code, message } = await failureOf(issueFrom(t, est, { caFile }));
    assert.deepEqual([code, message], ['NL-CONFIG', `issuer.est.ca_file: there is no certificate in ${caFile}.`]);
  }
  assert.deepEqual(est.seen, []);
});
