// Microsoft's register_x509.js and simple_sample_device.js (azure-iot-sdk-node), joined: what a device does that is written on the SDK
// as it is. It says when it has read its twin, and when a message has failed.
const { readFileSync } = require('node:fs');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Mqtt: Provisioning } = require('azure-iot-provisioning-device-mqtt');
const { Client, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

const { dps, idScope, id, cert, key } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const x509 = { cert, key };
// All that azure-iot-security-x509 1.9.3 does.
const security = { getRegistrationId: () => id, getCertificate: (done) => done(null, x509) };
const say = (event) => console.log(JSON.stringify({ event }));
const registrar = ProvisioningDeviceClient.create(dps, idScope, new Provisioning(), security);
registrar.register((failed, result) => {
  if (failed) throw failed;
  const client = Client.fromConnectionString(
    `HostName=${result.assignedHub};DeviceId=${result.deviceId};x509=true`,
    Mqtt,
  );
  client.setOptions(x509);
  client.on('error', () => {});
  client.on('disconnect', () => say('disconnect'));
  client.open((unopened) => {
    if (unopened) throw unopened;
    client.getTwin((unread) => {
      if (unread) throw unread;
      say('connected');
      setInterval(() => client.sendEvent(new Message('{}'), (unsent) => say(unsent ? 'unsent' : 'sent')), 2_000);
    });
  });
});
