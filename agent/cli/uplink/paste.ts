import { type Screen, toCopy, wrap } from '../kit/screen.ts';
import type { HowToConnect } from './told.ts';

type BySocket = Extract<HowToConnect, { socket: string }>;
type ByKey = Extract<HowToConnect, { key: string }>;

/**
 * One way to connect.
 * @param about for whom it is, and what to mind
 * @param lines to be copied: these are never wrapped. A command is marked, as in prose, and printed without the marks
 */
const paste = (about: string, ...lines: readonly string[]) => ({ about, lines });

type Paste = ReturnType<typeof paste>;

const MQTTS = '8883';
const BODY = '{"temperature":21.5}';

export const eventsTopic = (name: string): string => `devices/${name}/messages/events/`;
const messagesFilter = (name: string): string => `devices/${name}/messages/devicebound/#`;

/** How a program connects: lines to paste, which are never wrapped, and prose as comments between them. Pure. */
export function pasteText(connection: HowToConnect, screen: Screen, group?: string | number): string {
  const parts = pastesOf(connection, group).map(({ about, lines }) =>
    [...wrap(screen, about, { first: '# ' }), ...lines.map((line) => toCopy(screen, line))].join('\n'),
  );
  return `${parts.join('\n\n')}\n`;
}

/** Pure. @param group whose users may use the socket; undefined where it is not known */
export const pastesOf = (connection: HowToConnect, group?: string | number): readonly Paste[] =>
  'socket' in connection ? bySocket(connection, group) : byKey(connection, typeof group === 'number');

function bySocket({ name, socket }: BySocket, group: string | number | undefined): readonly Paste[] {
  const topic = eventsTopic(name);
  return [
    paste(`${name} connects to this socket by MQTT 3.1.1, with QoS 0 or 1, and sends to this topic:`, socket, topic),
    admission(group),
    paste(
      'mosquitto-clients 2.0 and later: send a message, and wait for messages from the cloud.',
      `mosquitto_pub --unix ${socket} -i ${name} -q 1 -t ${topic} -m '${BODY}'`,
      `mosquitto_sub --unix ${socket} -i ${name}-sub -q 1 -t '${messagesFilter(name)}'`,
    ),
    paste(
      'Python, paho-mqtt 2.1 and later. Debian 12 has 1.6, which knows no sockets: take 2.1 by pip, or a key.',
      'import paho.mqtt.client as mqtt',
      `client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="${name}", transport="unix")`,
      `client.connect("${socket}")`,
      'client.loop_start()',
      `client.publish("${topic}", '${BODY}', qos=1).wait_for_publish()`,
    ),
    paste(
      'Node, package mqtt 4 and later.',
      "import { connect } from 'node:net';",
      "import mqtt from 'mqtt';",
      `const client = new mqtt.MqttClient(() => connect('${socket}'), { clientId: '${name}', keepalive: 60 });`,
      `client.publish('${topic}', '${BODY}', { qos: 1 });`,
    ),
    paste(
      `Telegraf, Node-RED, the bridge of mosquitto and the device SDKs of Azure connect by TCP only: they need a key, and so another program.`,
      '`newleaf uplink add NAME --key`',
    ),
  ];
}

/** Who may use the socket, and how others may. @param group a number in a container */
function admission(group: string | number | undefined): Paste {
  if (typeof group === 'number') {
    return paste(
      'There is no password: a container may connect that has the volume of the sockets, and the number of their group. Its engine gives it both:',
      `--volume uplink:/run/newleaf-uplink --group-add ${group}`,
    );
  }
  if (group === 'root') {
    return paste(
      'There is no password, and only root may connect, because the socket is in the group root. A program of another user needs a socket for a group of its own:',
      '`newleaf uplink add NAME --group GROUP`',
    );
  }
  const whose = group === undefined ? 'the group of its directory' : `the group ${group}`;
  return paste(
    `There is no password: root and users in ${whose} may connect. To add the user of the program, who must log in again or be restarted:`,
    `\`usermod -aG ${group ?? 'GROUP'} USER\``,
  );
}

function byKey({ name, tcp, host: named, key, ca }: ByKey, isContained: boolean): readonly Paste[] {
  const { host, port } = hostOf(tcp, named);
  return [
    paste(
      `${name} connects to ${host}, port ${port}, by TLS and MQTT 3.1.1, with QoS 0 or 1. The CA of this gateway, which its program must trust, is in`,
      ca,
    ),
    ...(isContained && named === undefined ? [NAMELESS] : []),
    ...sdks(name, host, port, key, ca),
    ...others(name, host, port, key, ca),
    paste(
      'A program that cannot name a file trusts the CAs of the system. Only then add this CA there, since all programs of the gateway trust it from then on:',
      `sudo cp ${ca} /usr/local/share/ca-certificates/newleaf-uplink.crt`,
      'sudo update-ca-certificates',
    ),
  ];
}

/** What a container says that programs in others cannot reach. */
const NAMELESS: Paste = paste(
  'Programs in other containers reach it only with these settings, where the name is the one by which the engine knows this container. The CA vouches for the names that it was made with, so it goes, too: `docker exec newleaf rm /var/lib/newleaf/uplink/.tls/ca.key`, then `docker restart newleaf`.',
  '[uplink]',
  'tcp = "0.0.0.0:8883"',
  'hosts = ["newleaf"]',
);

/** The device SDKs of Azure, where HostName is not checked, and must have a dot (azure-iot-sdk-c). */
function sdks(name: string, host: string, port: string, key: string, ca: string): readonly Paste[] {
  const isUsual = port === MQTTS;
  const gateway = isUsual ? host : `${host}:${port}`;
  const connection = `HostName=newleaf.local;DeviceId=${name};SharedAccessKey=${key};GatewayHostName=${gateway}`;
  const node: Paste = paste(
    'Node (azure-iot-device, azure-iot-device-mqtt): Client.fromConnectionString(…, Mqtt), and start the program with',
    `NODE_EXTRA_CA_CERTS=${ca} node program.js`,
  );
  const only = isUsual
    ? ''
    : ' Of them only that of Node takes another port than 8883: for the others change uplink.tcp.';
  const first: Paste = paste(`The device SDKs of Azure take this connection string.${only}`, connection);
  if (!isUsual) return [first, node];
  return [
    first,
    node,
    paste(
      'Python (azure-iot-device):',
      `IoTHubDeviceClient.create_from_connection_string(connection, server_verification_cert=open("${ca}").read())`,
    ),
    paste(
      'C, with the text of the CA:',
      'client = IoTHubDeviceClient_CreateFromConnectionString(connection, MQTT_Protocol);',
      'IoTHubDeviceClient_SetOption(client, OPTION_TRUSTED_CERT, ca_text);',
    ),
    paste(
      'C# trusts the CAs of the system, see below:',
      'DeviceClient.CreateFromConnectionString(connection, TransportType.Mqtt_Tcp_Only)',
    ),
    paste(
      'Java trusts the CAs of the JVM; on Debian these are those of the system, see below. With a gateway, its SDK gets no messages from the cloud.',
      'new DeviceClient(connection, IotHubClientProtocol.MQTT)',
    ),
  ];
}

function others(name: string, host: string, port: string, key: string, ca: string): readonly Paste[] {
  const topic = eventsTopic(name);
  return [
    paste(
      `All other MQTT clients: user name ${name}, the password is the key. It sends to this topic, and gets messages from the cloud by this filter:`,
      key,
      topic,
      messagesFilter(name),
    ),
    paste(
      'mosquitto-clients; other users of the gateway see the key in the list of processes:',
      `mosquitto_pub -h ${host} -p ${port} --cafile ${ca} -u ${name} -P '${key}' -i ${name} -q 1 -t ${topic} -m '${BODY}'`,
    ),
    paste(
      `Node-RED, in the node mqtt-broker: server ${host}, port ${port}, TLS with this CA certificate, protocol MQTT V3.1.1, client ID and user name ${name}; in the node mqtt out: QoS 1 and this topic.`,
      ca,
      topic,
    ),
    paste(
      'Telegraf. Its sample has QoS 2, which a hub does not have; and an empty last part of a topic is an error to it.',
      '[[outputs.mqtt]]',
      `  servers = ["mqtts://${host}:${port}"]`,
      `  client_id = "${name}"`,
      `  username = "${name}"`,
      `  password = "${key}"`,
      `  tls_ca = "${ca}"`,
      `  topic = "${topic.replace(/\/$/, '')}"`,
      '  qos = 1',
      '  data_format = "json"',
    ),
    paste(
      'A bridge of mosquitto; your programs publish to newleaf/messages/events/ there:',
      'connection newleaf',
      `address ${host}:${port}`,
      `bridge_cafile ${ca}`,
      'bridge_protocol_version mqttv311',
      `remote_clientid ${name}`,
      `remote_username ${name}`,
      `remote_password ${key}`,
      'cleansession false',
      'notifications false',
      'try_private false',
      `topic messages/events/# out 1 newleaf/ devices/${name}/`,
      `topic messages/devicebound/# in 1 newleaf/ devices/${name}/`,
    ),
  ];
}

/** The name in the certificate: without uplink.hosts it is localhost, unless uplink.tcp is one address of a network. */
function hostOf(tcp: string, named?: string): { readonly host: string; readonly port: string } {
  const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(tcp) ?? [];
  const isHere = /^(127\.0\.0\.1|0\.0\.0\.0|\[::1?\])$/.test(address);
  return { host: named ?? (isHere ? 'localhost' : address), port };
}
