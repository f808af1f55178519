import { connect, type Socket } from 'node:net';
import azureDevice from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import httpBase from 'azure-iot-http-base';
import provisioning from 'azure-iot-provisioning-device';
import { Http } from 'azure-iot-provisioning-device-http';
import security from 'azure-iot-security-tpm';
import tss, { type TpmDevice } from 'tss.js';

/**
 * A device of the official SDK, unmodified, with a TPM behind TCP: registers, connects, reads its twin, and tells what
 * came of it. Arguments: TPM (host, port), DPS (port), ID scope, registration ID.
 */
const [tpmHost = '', tpmPort = '', dpsPort = '', idScope = '', registrationId = ''] = process.argv.slice(2);

/** tss.js has no device for swtpm. */
function swtpm(socket: Socket): TpmDevice {
  const none = null as never;
  let answered: (response: Buffer) => void = () => {};
  let response = Buffer.alloc(0);
  socket.on('data', (part) => {
    response = Buffer.concat([response, part]);
    if (response.length < 10 || response.length < response.readUInt32BE(2)) return;
    const whole = response;
    response = Buffer.alloc(0);
    answered(whole);
  });
  return {
    connect: (done) => setImmediate(done, none) && none,
    dispatchCommand(command, done) {
      answered = (whole) => setImmediate(done, none, whole);
      socket.write(command);
    },
    close() {},
  };
}

/** It asks for port 443 of the host that it was given. */
class OnPort extends httpBase.Http {
  override buildRequest(...[method, path, headers, , done]: Parameters<httpBase.Http['buildRequest']>) {
    return super.buildRequest(method, path, headers, 'localhost', { port: Number(dpsPort) }, done as never);
  }
}

const tpmSocket = connect(Number(tpmPort), tpmHost);
const tpm = Object.assign(new tss.Tpm(), { device: swtpm(tpmSocket) });
const client = new security.TpmSecurityClient(registrationId, tpm);
const dps = provisioning.ProvisioningDeviceClient.create('localhost', idScope, new Http(new OnPort()), client as never);
const { registrationState } = (await dps.register()) as unknown as {
  registrationState: { assignedHub: string; deviceId: string };
};
const { assignedHub, deviceId } = registrationState;
const tokens = security.TpmAuthenticationProvider.fromTpmSecurityClient(deviceId, assignedHub, client);
const device = azureDevice.Client.fromAuthenticationProvider(tokens, Mqtt);
await device.open();
const { properties } = await device.getTwin();
console.log(JSON.stringify({ assignedHub, deviceId, desired: properties.desired }));
await device.close();
tpmSocket.destroy();
process.exit();
