import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insideNetworkNamespace } from '../namespace.ts';
import { connects, DPS, farSide, samplesCa } from './far-side.ts';
import { HOST, LIFECYCLE, SAMPLES } from './values.ts';

if (insideNetworkNamespace(import.meta.filename)) {
  test('a registration with a certificate request, and telemetry by the leaf that it brought', async (t) => {
    const { far, run } = await farSide(t);
    const { file, id } = SAMPLES.dps;
    await far.enrollGroup({ groupId: 'samples', primary: samplesCa(), certificatePolicy: { policy: 'monthly' } });
    const { code, out } = await run(file);
    assert.equal(code, 0, out);
    assert.match(out, new RegExp(`Registration Information received from service: ${HOST}`));
    assert.match(out, /accepted message \[2\] for transmission/, out);
    const { devices } = await far.namespaceState();
    assert.deepEqual(connects(far, id), [{ thumbprint: devices[0]?.leaves[0], chain: 3 }]);
    assert.ok((await far.telemetry('hub1', id)).messages.length > 0);
  });

  test('a renewal over the session with the hub, and telemetry by the leaf that it brought', async (t) => {
    const { far, run } = await farSide(t);
    const { file, id } = SAMPLES.hub;
    await far.trustHubCa('hub1', samplesCa());
    await far.writeCaDevice('hub1', id, 'monthly');
    // At 97cd6ab02 this sample takes a 202 for the end: its SDK hands it over as IOTHUB_CLIENT_CONFIRMATION_ACCEPTED, and the
    // sample looks for one that is OK. Microsoft's end-to-end test of the same SDK takes both.
    await far.lay('hub1', 'no-202');
    const { code, out } = await run(file);
    assert.equal(code, 0, out);
    assert.match(out, /Certificate renewal verified successfully\./, out);
    const { devices } = await far.namespaceState();
    const [before, after] = connects(far, id);
    assert.notEqual(before?.thumbprint, devices[0]?.leaves[0]);
    assert.deepEqual(after, { thumbprint: devices[0]?.leaves[0], chain: 3 });
    assert.equal((await far.telemetry('hub1', id)).messages.at(-1)?.body, 'CSR renewal verified');
  });

  test('the whole life, as Microsoft tests it: registration, hub, renewal with its 202, hub', async (t) => {
    const { far, run } = await farSide(t);
    const { file, id } = LIFECYCLE;
    const { key, cert } = await far.clientIdentity(id);
    await far.set({ issuingEnrollments: 'all' });
    await far.enrollIndividual({ registrationId: id, primary: cert, certificatePolicy: { policy: 'monthly' } });
    const { code, out } = await run(file, {
      IOT_DPS_CONNECTION_STRING: far.endpoints.dpsService,
      IOT_DPS_GLOBAL_ENDPOINT: DPS,
      IOT_DPS_ID_SCOPE: far.endpoints.idScope,
      IOT_DPS_INDIVIDUAL_X509_CERTIFICATE: Buffer.from(cert).toString('base64'),
      IOT_DPS_INDIVIDUAL_X509_KEY: Buffer.from(key).toString('base64'),
      IOT_DPS_INDIVIDUAL_REGISTRATION_ID: id,
      ADR_CERT_MGMT_POLICY_NAME: 'monthly',
    });
    assert.equal(code, 0, out);
    const { devices } = await far.namespaceState();
    const leaves = devices[0]?.leaves ?? [];
    assert.equal(leaves.length, 2);
    assert.deepEqual(
      connects(far, id),
      leaves.map((thumbprint) => ({ thumbprint, chain: 3 })),
    );
  });
}
