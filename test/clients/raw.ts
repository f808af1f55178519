import mqtt from 'mqtt';
import type { Endpoints } from '../simulator/api.ts';
import type { Identity } from '../simulator/ca.ts';

/** How a connection attempt ended, as only the wire tells it. */
export interface Knock {
  /** CONNACK code; undefined where none came. */
  readonly connack: number | undefined;
  /** Of the CONNACK: the server has a session of before. */
  readonly present?: boolean;
  /** Code and words of the socket's error, where there was one. */
  readonly error: string | undefined;
  readonly client: mqtt.MqttClient;
}

export const dpsUsername = ({ idScope }: Endpoints, registrationId: string, version = '2019-03-31'): string =>
  `${idScope}/registrations/${registrationId}/api-version=${version}&ClientVersion=test`;

export const hubUsername = (host: string, deviceId: string, version = '2021-04-12'): string =>
  `${host}/${deviceId}/?api-version=${version}&DeviceClientType=test`;

/** Connects without the SDK; comes back on CONNACK or at the end of the connection. The test ends the client. */
export function knock(
  host: string,
  ca: string,
  { key, cert }: Partial<Identity>,
  options: mqtt.IClientOptions,
): Promise<Knock> {
  const client = mqtt.connect(`mqtts://${host}`, {
    ca,
    reconnectPeriod: 0,
    ...(key && { key }),
    ...(cert && { cert }),
    ...options,
  });
  return new Promise((resolve) => {
    let error: string | undefined;
    client.on('error', (cause) => {
      error = `${'code' in cause ? cause.code : ''} ${cause.message}`;
    });
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'connack') {
        resolve({ connack: packet.returnCode, present: packet.sessionPresent, error, client });
      }
    });
    client.once('close', () => resolve({ connack: undefined, error, client }));
  });
}

export function knockHub(
  { trustPem }: Endpoints,
  host: string,
  deviceId: string,
  identity: Identity,
  options: mqtt.IClientOptions = {},
): Promise<Knock> {
  return knock(host, trustPem, identity, { clientId: deviceId, username: hubUsername(host, deviceId), ...options });
}

export function knockDps(
  endpoints: Endpoints,
  registrationId: string,
  identity: Identity,
  version?: string,
): Promise<Knock> {
  const username = dpsUsername(endpoints, registrationId, version);
  return knock(endpoints.dps, endpoints.trustPem, identity, { clientId: registrationId, username });
}

/** What comes back to one DPS request: the topic from `res/` on, and the body; or that the connection ended. */
export interface DpsAnswer {
  readonly topic: string;
  readonly body: string;
}

/** Sends a registration request, or what `topic` says, and waits for the next answer or the end. */
export function askDps(client: mqtt.MqttClient, topic: string, body: string): Promise<DpsAnswer | 'closed'> {
  return new Promise((resolve) => {
    client.once('close', () => resolve('closed'));
    client.once('message', (answered, payload) => {
      resolve({ topic: answered.replace('$dps/registrations/res/', ''), body: payload.toString() });
    });
    client.publish(`$dps/registrations/${topic}`, body, { qos: 1 });
  });
}

/** A DPS connection with CONNACK 0 that has subscribed to the answers. */
export async function enterDps(
  endpoints: Endpoints,
  id: string,
  identity: Identity,
  version?: string,
): Promise<mqtt.MqttClient> {
  const { client, connack, error } = await knockDps(endpoints, id, identity, version);
  if (connack !== 0) throw new Error(`CONNACK ${connack} ${error}`);
  await new Promise((resolve) => client.subscribe('$dps/registrations/res/#', { qos: 1 }, resolve));
  return client;
}

export const putTopic = (rid = '1'): string => `PUT/iotdps-register/?$rid=${rid}`;
export const pollTopic = (operationId: string, rid = '2'): string =>
  `GET/iotdps-get-operationstatus/?$rid=${rid}&operationId=${operationId}`;
