import common from 'azure-iot-common';
import device from 'azure-iot-device';
import { Mqtt as HubMqtt } from 'azure-iot-device-mqtt';
import { MqttBase } from 'azure-iot-mqtt-base';
import provisioning, { type RegistrationResult } from 'azure-iot-provisioning-device';
import { Mqtt as DpsMqtt } from 'azure-iot-provisioning-device-mqtt';
import mqtt from 'mqtt';
import type { Endpoints } from '../simulator/api.ts';
import type { Identity } from '../simulator/ca.ts';

/** The official SDK leaves no other way to hand over a server CA for DPS than an mqtt provider of one's own. */
const trusting = (ca: string) => ({
  connect: (uri: string, options: mqtt.IClientOptions) => mqtt.connect(uri, { ...options, ca, connectTimeout: 60_000 }),
});

/** Registers with the official provisioning SDK, and a key in a file. */
export async function register(
  { dps, idScope, trustPem }: Endpoints,
  registrationId: string,
  { key, cert }: Identity,
  By: typeof DpsMqtt = DpsMqtt,
): Promise<RegistrationResult> {
  const transport = new By(new MqttBase(trusting(trustPem)));
  // azure-iot-provisioning-device-mqtt 1.8.1 emits 'error' beside its rejection when the socket drops.
  transport.on('error', () => undefined);
  const security = {
    getRegistrationId: () => registrationId,
    getCertificate: (callback: (error?: Error, identity?: Identity) => void) => callback(undefined, { cert, key }),
  };
  const client = provisioning.ProvisioningDeviceClient.create(dps, idScope, transport, security);
  return (await client.register()) as RegistrationResult;
}

/** A session of the official device SDK; open when it comes back. The test closes it. */
export async function openHub(
  { trustPem }: Endpoints,
  host: string,
  deviceId: string,
  x509: Identity,
  By: typeof HubMqtt = HubMqtt,
): Promise<device.Client> {
  class Transport extends By {
    constructor(authentication: device.X509AuthenticationProvider) {
      super(authentication, new MqttBase(trusting(trustPem)));
    }
  }
  const authentication = new device.X509AuthenticationProvider({ host, deviceId, x509 });
  const client = device.Client.fromAuthenticationProvider(authentication, Transport);
  client.setRetryPolicy(new common.NoRetry());
  await client.open();
  return client;
}
