import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Screen, toCopy } from '../../../../agent/cli/kit/screen.ts';
import { eventsTopic, pastesOf, pasteText } from '../../../../agent/cli/uplink/paste.ts';
import type { HowToConnect } from '../../../../agent/cli/uplink/told.ts';
import { readFilter, readPublished } from '../../../../agent/uplink/topics.ts';
import { KEY } from './gateway.ts';

const screen: Screen = { width: 80, isColoured: false, isUnicode: true };
const socket = '/run/newleaf-uplink/sensors/mqtt.sock';
const ca = '/run/newleaf-uplink/ca.pem';
const bySocket: HowToConnect = { name: 'sensors', socket };
const byKey = (tcp = '127.0.0.1:8883'): HowToConnect => ({ name: 'sensors', tcp, key: KEY, ca });
const linesOf = (connection: HowToConnect, on = screen, group?: string | number) =>
  pasteText(connection, on, group).split('\n');

describe('a socket', () => {
  test('what to paste', () => {
    const lines = linesOf(bySocket, screen, 'plc');
    for (const line of [
      socket,
      'devices/sensors/messages/events/',
      'usermod -aG plc USER',
      `mosquitto_pub --unix ${socket} -i sensors -q 1 -t devices/sensors/messages/events/ -m '{"temperature":21.5}'`,
      `mosquitto_sub --unix ${socket} -i sensors-sub -q 1 -t 'devices/sensors/messages/devicebound/#'`,
      'client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="sensors", transport="unix")',
      `client.connect("${socket}")`,
      `const client = new mqtt.MqttClient(() => connect('${socket}'), { clientId: 'sensors', keepalive: 60 });`,
      'newleaf uplink add NAME --key',
    ])
      assert.ok(lines.includes(line), line);
    assert.match(lines.join(' '), /Debian 12 has 1\.6/);
  });

  test('the group of root gets no other user: another socket does', () => {
    const lines = linesOf(bySocket, screen, 'root');
    assert.ok(lines.includes('newleaf uplink add NAME --group GROUP'));
    assert.doesNotMatch(lines.join(' '), /usermod/);
  });

  test('in a container it is the number of the group, for the engine', () => {
    const lines = linesOf(bySocket, screen, 990);
    assert.ok(lines.includes('--volume uplink:/run/newleaf-uplink --group-add 990'));
    assert.doesNotMatch(lines.join(' '), /usermod/);
  });

  test('the group is not known to every user', () => {
    assert.ok(linesOf(bySocket).includes('usermod -aG GROUP USER'));
  });
});

describe('a key', () => {
  test('what to paste', () => {
    const lines = linesOf(byKey());
    for (const line of [
      `HostName=newleaf.local;DeviceId=sensors;SharedAccessKey=${KEY};GatewayHostName=localhost`,
      ca,
      `NODE_EXTRA_CA_CERTS=${ca} node program.js`,
      `mosquitto_pub -h localhost -p 8883 --cafile ${ca} -u sensors -P '${KEY}' -i sensors -q 1 -t devices/sensors/messages/events/ -m '{"temperature":21.5}'`,
      '  servers = ["mqtts://localhost:8883"]',
      '  topic = "devices/sensors/messages/events"',
      '  qos = 1',
      'address localhost:8883',
      `remote_password ${KEY}`,
      `sudo cp ${ca} /usr/local/share/ca-certificates/newleaf-uplink.crt`,
      'sudo update-ca-certificates',
    ])
      assert.ok(lines.includes(line), line);
    const text = lines.join(' ').replaceAll(' # ', ' ');
    for (const word of ['Python', 'C, with', 'C#', 'Java', 'Node-RED', 'Telegraf', 'mosquitto'])
      assert.ok(text.includes(word), word);
    assert.match(text, /its SDK gets no messages from the cloud/);
  });

  test('another port: only the SDK of Node can', () => {
    const text = linesOf(byKey('127.0.0.1:8884')).join('\n');
    assert.match(text, /GatewayHostName=localhost:8884$/m);
    assert.match(text.replaceAll(/\s+(# )?/g, ' '), /only that of Node takes another port than 8883/);
    assert.doesNotMatch(text, /IoTHubDeviceClient|TransportType|IotHubClientProtocol/);
  });

  for (const [tcp, host] of [
    ['0.0.0.0:8883', 'localhost'],
    ['[::]:8883', 'localhost'],
    ['[::1]:8883', 'localhost'],
    ['192.0.2.7:8883', '192.0.2.7'],
    ['127.0.0.2:8883', '127.0.0.2'],
  ] as const)
    test(`at ${tcp} it is dialled as ${host}`, () => assert.ok(linesOf(byKey(tcp)).includes(`address ${host}:8883`)));

  test('uplink.hosts: it is dialled by its first name', () => {
    const text = linesOf({ name: 'sensors', tcp: '0.0.0.0:8883', host: 'newleaf', key: KEY, ca }).join('\n');
    assert.match(text, /GatewayHostName=newleaf$/m);
    assert.match(text, /^mosquitto_pub -h newleaf -p 8883 /m);
    assert.doesNotMatch(text, /localhost/);
  });
});

test('prose has the width of the screen; a line to copy is whole on the narrowest', () => {
  for (const connection of [bySocket, byKey()]) {
    const copied = pastesOf(connection).flatMap(({ lines }) => lines.map((line) => toCopy(screen, line)));
    for (const width of [40, 80]) {
      const shown = linesOf(connection, { ...screen, width });
      assert.deepEqual(
        copied.filter((line) => !shown.includes(line)),
        [],
      );
      assert.ok(shown.every((line) => line.length <= width || copied.includes(line)));
    }
  }
});

test('newleaf understands what it prints: the topic and the filter', () => {
  for (const topic of [eventsTopic('sensors'), 'devices/sensors/messages/events'])
    assert.deepEqual(readPublished(topic), { of: 'event', bag: '' });
  const [, filter = ''] = /-t '([^']+)'/.exec(pasteText(bySocket, screen)) ?? [];
  assert.deepEqual(readFilter(filter), { kind: 'messages', deviceId: 'sensors' });
});
