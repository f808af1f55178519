import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { insideNetworkNamespace } from '../namespace.ts';
import { newRequest } from '../simulator/adr/request.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { connects, DPS, farSide } from './far-side.ts';
import { EMBEDDED, HOST } from './values.ts';

const ID = 'embedded-sample';

if (insideNetworkNamespace(import.meta.filename)) {
  test('azure-sdk-for-c: a registration with a certificate request, then the hub by the leaf that it brought', async (t) => {
    const { far, run, directory, trust } = await farSide(t);
    const { key, cert } = await far.clientIdentity(ID);
    const request = await newRequest(ID);
    const files = { onboarding: `${cert}${key}`, key: request.key };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, `${name}.pem`), text);
    const primary = far.endpoints.issuerPem;
    await far.enrollGroup({ groupId: 'samples', primary, certificatePolicy: { policy: 'monthly' } });
    const { code, out } = await run(EMBEDDED.dps, {
      AZ_IOT_GLOBAL_PROVISIONING_ENDPOINT: DPS,
      AZ_IOT_PROVISIONING_ID_SCOPE: far.endpoints.idScope,
      AZ_IOT_PROVISIONING_REGISTRATION_ID: ID,
      AZ_IOT_DEVICE_X509_CERT_PEM_FILE_PATH: join(directory, 'onboarding.pem'),
      AZ_IOT_DEVICE_X509_TRUST_PEM_FILE_PATH: trust,
      AZ_IOT_DEVICE_CSR_BASE64: request.csr,
      AZ_IOT_DEVICE_CSR_KEY_PEM_FILE_PATH: join(directory, 'key.pem'),
      AZ_IOT_DEVICE_ISSUED_CERT_CHAIN_PEM_FILE_PATH: join(directory, 'issued.pem'),
    });
    assert.equal(code, 0, out);
    const { devices } = await far.namespaceState();
    assert.deepEqual(connects(far, ID), [{ thumbprint: devices[0]?.leaves[0], chain: 3 }]);
  });

  /** Runs the sample of renewal, with a request of its own unless another text is to go out. */
  async function renew(t: TestContext, lay: (far: Simulator) => Promise<void>, csr?: string) {
    const { far, run, directory, trust } = await farSide(t);
    const { key, cert, thumbprint } = await far.clientIdentity(ID);
    writeFileSync(join(directory, 'leaf.pem'), `${cert}${key}`);
    await far.trustHubCa('hub1', far.endpoints.issuerPem);
    await far.writeCaDevice('hub1', ID, 'monthly');
    await lay(far);
    const ended = await run(EMBEDDED.hub, {
      AZ_IOT_HUB_HOSTNAME: HOST,
      AZ_IOT_HUB_DEVICE_ID: ID,
      AZ_IOT_DEVICE_X509_CERT_PEM_FILE_PATH: join(directory, 'leaf.pem'),
      AZ_IOT_DEVICE_X509_TRUST_PEM_FILE_PATH: trust,
      AZ_IOT_DEVICE_CSR_BASE64: csr ?? (await newRequest(ID)).csr,
    });
    assert.deepEqual(connects(far, ID), [{ thumbprint, chain: 2 }]);
    return ended;
  }

  test('azure-sdk-for-c: a renewal, whose 200 is an array', async (t) => {
    const { code, out } = await renew(t, (far) => far.set({ renewalBody: 'array' }));
    assert.equal(code, 0, out);
    assert.match(out, /Response Type: Accepted \(202\)/);
    assert.match(out, /Issued certificate chain \(3 certificates\)/);
  });

  test('azure-sdk-for-c: at 2976569 it cannot read the object that Microsoft has tested', async (t) => {
    const { code, out } = await renew(t, (far) => far.set({ renewalBody: 'object' }));
    assert.notEqual(code, 0, out);
    assert.match(out, /Response Type: Completed \(200\)/);
  });

  for (const [what, lay, csr, words] of [
    [
      'a hub that is throttled',
      (far: Simulator) => far.lay('hub1', 'credentials-status', { status: 429, retryAfter: '7' }),
      undefined,
      [/Error Code: 429002/, /Retry After: 7 seconds/],
    ],
    [
      'a request that the CA cannot read',
      async () => undefined,
      'AAAA',
      [
        /Response Type: Accepted/,
        /Error Code: 400040/,
        /Info Error name: FailedToDecodeCsr/,
        /Correlation ID: [0-9a-f-]{36}/,
      ],
    ],
    [
      'a request that is no base64',
      async () => undefined,
      'A-',
      [/Error Code: 400004/, /Tracking ID: [0-9A-F]{32}-G2/],
    ],
  ] as const) {
    test(`azure-sdk-for-c reads the refusal: ${what}`, async (t) => {
      // It reads no `info` of null.
      const laid = async (far: Simulator) => {
        await far.set({ noInfo: 'absent' });
        await lay(far);
      };
      const { code, out } = await renew(t, laid, csr);
      assert.equal(code, 1, out);
      for (const one of words) assert.match(out, one);
    });
  }
}
