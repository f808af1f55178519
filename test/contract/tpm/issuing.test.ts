import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { admits, DPS_VERSION } from '../../clients/renewal.ts';
import { newRequest, pemOf } from '../../simulator/adr/request.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { bench } from './bench.ts';

const ID = 'gw-0001';

test('a TPM that sends a certificate request gets a leaf, and the hub knows the device by its CA', async (t) => {
  const far = await startSimulator({ switches: { issuingEnrollments: 'all' } });
  const { tpm } = await bench(t);
  t.after(() => far.close());
  const { endorsementKey, storageRootKey } = await tpm.identity();
  const shown = {
    endorsementKey: endorsementKey.toString('base64'),
    storageRootKey: storageRootKey.toString('base64'),
  };
  await far.createPolicy('monthly');
  await far.enrollIndividual({ registrationId: ID, tpm: shown, certificatePolicy: { policy: 'monthly' } });
  const scope = `${far.endpoints.idScope}/registrations/${ID}`;

  async function ask(method: string, path: string, authorization?: string, body?: object) {
    const url = `https://${far.endpoints.dps}/${scope}/${path}?api-version=${DPS_VERSION}`;
    const headers = authorization === undefined ? {} : { authorization };
    const sent = request(url, { method, headers, ca: far.endpoints.trustPem, agent: false });
    sent.end(body && JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return JSON.parse(await text(response));
  }

  const { key, csr } = await newRequest(ID);
  const body = { registrationId: ID, tpm: shown };
  const challenge = Buffer.from((await ask('PUT', 'register', undefined, body)).authenticationKey, 'base64');
  const resource = encodeURIComponent(scope);
  const ends = Math.trunc(Date.now() / 1_000) + 60;
  const signature = await tpm.prove(challenge, Buffer.from(`${resource}\n${ends}`));
  const sig = encodeURIComponent(signature.toString('base64'));
  const token = `SharedAccessSignature sr=${resource}&sig=${sig}&se=${ends}&skn=registration`;

  const refused = await ask('PUT', 'register', token, { ...body, csr: (await newRequest('gw-2')).csr });
  assert.equal(refused.errorCode, 400004);
  const { operationId } = await ask('PUT', 'register', token, { ...body, csr });
  const { registrationState } = await ask('GET', `operations/${operationId}`, token);
  assert.ok(registrationState.tpm.authenticationKey);
  const identity = { key, cert: pemOf(registrationState.issuedCertificateChain) };
  assert.equal(await admits(far, ID, identity), 0);
});
