import { type Screen, toCopy, wrap } from '../kit/screen.ts';
import type { HowToConnect } from './told.ts';

type BySocket = Extract<HowToConnect, { socket: string }>;
type ByKey = Extract<HowToConnect, { key: string }>;

/** One way to connect. */
interface Paste {
  /** For whom it is, and what to mind. */
  readonly about: string;
  /** To be copied: these are never wrapped. A command is marked, as in prose, and printed without the marks. */
  readonly lines: readonly string[];
}

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
  'socket' in connection ? bySocket(connection, group) : byKey(connection);

function bySocket({ name, socket }: BySocket, group: string | number | undefined): readonly Paste[] {
  const topic = eventsTopic(name);
  return [
    {
      about: `${name} connects to this socket by MQTT 3.1.1, with QoS 0 or 1, and sends to this topic:`,
      lines: [socket, topic],
    },
    admission(group),
    {
      about: 'mosquitto-clients 2.0 and later: send a message, and wait for messages from the cloud.',
      lines: [
        `mosquitto_pub --unix ${socket} -i ${name} -q 1 -t ${topic} -m '${BODY}'`,
        `mosquitto_sub --unix ${socket} -i ${name}-sub -q 1 -t '${messagesFilter(name)}'`,
      ],
    },
    {
      about: 'Python, paho-mqtt 2.1 and later. Debian 12 has 1.6, which knows no sockets: take 2.1 by pip, or a key.',
      lines: [
        'import paho.mqtt.client as mqtt',
        `client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="${name}", transport="unix")`,
        `client.connect("${socket}")`,
        'client.loop_start()',
        `client.publish("${topic}", '${BODY}', qos=1).wait_for_publish()`,
      ],
    },
    {
      about: 'Node, package mqtt 4 and later.',
      lines: [
        "import { connect } from 'node:net';",
        "import mqtt from 'mqtt';",
        `const client = new mqtt.MqttClient(() => connect('${socket}'), { clientId: '${name}', keepalive: 60 });`,
        `client.publish('${topic}', '${BODY}', { qos: 1 });`,
      ],
    },
    {
      about: `Telegraf, Node-RED, the bridge of mosquitto and the device SDKs of Azure connect by TCP only: they need a key, and so another program.`,
      lines: ['`newleaf uplink add NAME --key`'],
    },
  ];
}

/** Who may use the socket, and how others may. @param group a number in a container */
function admission(group: string | number | undefined): Paste {
  if (typeof group === 'number') {
    return {
      about:
        'There is no password: a container may connect that has the volume of the sockets, and the number of their group. Its engine gives it both:',
      lines: [`--volume uplink:/run/newleaf-uplink --group-add ${group}`],
    };
  }
  if (group === 'root') {
    return {
      about:
        'There is no password, and only root may connect, because the socket is in the group root. A program of another user needs a socket for a group of its own:',
      lines: ['`newleaf uplink add NAME --group GROUP`'],
    };
  }
  const whose = group === undefined ? 'the group of its directory' : `the group ${group}`;
  return {
    about: `There is no password: root and users in ${whose} may connect. To add the user of the program, who must log in again or be restarted:`,
    lines: [`\`usermod -aG ${group ?? 'GROUP'} USER\``],
  };
}

function byKey({ name, tcp, host: named, key, ca }: ByKey): readonly Paste[] {
  const { host, port } = hostOf(tcp, named);
  return [
    {
      about: `${name} connects to ${host}, port ${port}, by TLS and MQTT 3.1.1, with QoS 0 or 1. The CA of this gateway, which its program must trust, is in`,
      lines: [ca],
    },
    ...sdks(name, host, port, key, ca),
    ...others(name, host, port, key, ca),
    {
      about:
        'A program that cannot name a file trusts the CAs of the system. Only then add this CA there, since all programs of the gateway trust it from then on:',
      lines: [`sudo cp ${ca} /usr/local/share/ca-certificates/newleaf-uplink.crt`, 'sudo update-ca-certificates'],
    },
  ];
}

/** The device SDKs of Azure, where HostName is not checked, and must have a dot (azure-iot-sdk-c). */
function sdks(name: string, host: string, port: string, key: string, ca: string): readonly Paste[] {
  const isUsual = port === MQTTS;
  const gateway = isUsual ? host : `${host}:${port}`;
  const connection = `HostName=newleaf.local;DeviceId=${name};SharedAccessKey=${key};GatewayHostName=${gateway}`;
  const node: Paste = {
    about:
      'Node (azure-iot-device, azure-iot-device-mqtt): Client.fromConnectionString(…, Mqtt), and start the program with',
    lines: [`NODE_EXTRA_CA_CERTS=${ca} node program.js`],
  };
  const only = isUsual
    ? ''
    : ' Of them only that of Node takes another port than 8883: for the others change uplink.tcp.';
  const first: Paste = { about: `The device SDKs of Azure take this connection string.${only}`, lines: [connection] };
  if (!isUsual) return [first, node];
  return [
    first,
    node,
    {
      about: 'Python (azure-iot-device):',
      lines: [
        `IoTHubDeviceClient.create_from_connection_string(connection, server_verification_cert=open("${ca}").read())`,
      ],
    },
    {
      about: 'C, with the text of the CA:',
      lines: [
        'client = IoTHubDeviceClient_CreateFromConnectionString(connection, MQTT_Protocol);',
        'IoTHubDeviceClient_SetOption(client, OPTION_TRUSTED_CERT, ca_text);',
      ],
    },
    {
      about: 'C# trusts the CAs of the system, see below:',
      lines: ['DeviceClient.CreateFromConnectionString(connection, TransportType.Mqtt_Tcp_Only)'],
    },
    {
      about:
        'Java trusts the CAs of the JVM; on Debian these are those of the system, see below. With a gateway, its SDK gets no messages from the cloud.',
      lines: ['new DeviceClient(connection, IotHubClientProtocol.MQTT)'],
    },
  ];
}

function others(name: string, host: string, port: string, key: string, ca: string): readonly Paste[] {
  const topic = eventsTopic(name);
  return [
    {
      about: `All other MQTT clients: user name ${name}, the password is the key. It sends to this topic, and gets messages from the cloud by this filter:`,
      lines: [key, topic, messagesFilter(name)],
    },
    {
      about: 'mosquitto-clients; other users of the gateway see the key in the list of processes:',
      lines: [
        `mosquitto_pub -h ${host} -p ${port} --cafile ${ca} -u ${name} -P '${key}' -i ${name} -q 1 -t ${topic} -m '${BODY}'`,
      ],
    },
    {
      about: `Node-RED, in the node mqtt-broker: server ${host}, port ${port}, TLS with this CA certificate, protocol MQTT V3.1.1, client ID and user name ${name}; in the node mqtt out: QoS 1 and this topic.`,
      lines: [ca, topic],
    },
    {
      about:
        'Telegraf. Its sample has QoS 2, which a hub does not have; and an empty last part of a topic is an error to it.',
      lines: [
        '[[outputs.mqtt]]',
        `  servers = ["mqtts://${host}:${port}"]`,
        `  client_id = "${name}"`,
        `  username = "${name}"`,
        `  password = "${key}"`,
        `  tls_ca = "${ca}"`,
        `  topic = "${topic.replace(/\/$/, '')}"`,
        '  qos = 1',
        '  data_format = "json"',
      ],
    },
    {
      about: 'A bridge of mosquitto; your programs publish to newleaf/messages/events/ there:',
      lines: [
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
      ],
    },
  ];
}

/** The name in the certificate: without uplink.hosts it is localhost, unless uplink.tcp is one address of a network. */
function hostOf(tcp: string, named?: string): { readonly host: string; readonly port: string } {
  const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(tcp) ?? [];
  const isHere = /^(127\.0\.0\.1|0\.0\.0\.0|\[::1?\])$/.test(address);
  return { host: named ?? (isHere ? 'localhost' : address), port };
}
