import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import device, {
  type Client,
  type DeviceMethodRequest,
  type DeviceMethodResponse,
  type Message,
  type Twin,
} from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import { PATIENCE_MS, type Serving, serving } from '../stage/site.ts';
import { Shown } from './shown.ts';

const ID = 'gw-0001';

/** As `Client.fromConnectionString` does it. Its timer for the next token outlives `close` (azure-iot-device 1.18.4). */
function clientOf(t: TestContext, text: string): Client {
  const provider = device.SharedAccessKeyAuthenticationProvider.fromConnectionString(text);
  const client = device.Client.fromAuthenticationProvider(provider, Mqtt);
  t.after(async () => {
    await client.close().catch(() => {});
    provider.stop();
  });
  return client;
}

/** The client of a program with the Azure SDK as it is: only its connection string names the gateway. */
async function sdk(t: TestContext, { gateway }: Serving, name: string, deviceId = name): Promise<Client> {
  const { ca } = await gateway.keyedProgram(name);
  const shown = (await Shown.of(gateway, name)).line('take this connection string');
  const client = clientOf(t, shown.replace(`DeviceId=${name};`, `DeviceId=${deviceId};`));
  await client.setOptions({ ca: readFileSync(ca, 'utf8') });
  await client.open();
  return client;
}

/** The next message for the client, which is completed. */
const received = (client: Client): Promise<Message> =>
  new Promise((resolve) => {
    client.once('message', (message: Message) => {
      client.complete(message, () => resolve(message));
    });
  });

/** Reports properties, until they are taken. */
const report = (twin: Twin, properties: object): Promise<void> =>
  new Promise((resolve, reject) => {
    twin.properties.reported.update(properties, (error?: Error) => (error ? reject(error) : resolve()));
  });

const port = 18_883 + (process.pid % 1_000);

test('azure-iot-device, unmodified', async (t) => {
  const at = await serving(t, { settings: { 'uplink.tcp': `"127.0.0.1:${port}"` } });
  // Tests within: the clients are closed before the gateway goes, or the SDK goes on dialling.
  await t.test('two programs with one device ID at once', (inner) => twoPrograms(inner, at));
  await t.test(
    'offline: a message has its time, an expired one goes nowhere, the reported properties come later',
    (inner) => offline(inner, at),
  );
  await t.test('a wrong key is refused, and disturbs no other', (inner) => wrongKey(inner, at));
});

async function twoPrograms(t: TestContext, at: Serving): Promise<void> {
  const { far } = at;
  const first = await sdk(t, at, 'first', ID);
  const second = await sdk(t, at, 'second', ID);

  const sent = Object.assign(new device.Message('{"temperature":21}'), {
    messageId: 'm-1',
    contentType: 'application/json',
  });
  sent.properties.add('level', 'über 9');
  await first.sendEvent(sent);
  await second.sendEvent(new device.Message('from the second'));
  const page = async () => {
    const { messages } = await far.telemetry('hub1', ID);
    return messages;
  };
  while ((await page()).length < 2) await pause(20);
  const [one, other] = await page();
  assert.equal(one?.body, '{"temperature":21}');
  assert.equal(one?.properties.level, 'über 9');
  assert.equal(one?.properties['$.mid'], 'm-1');
  assert.equal(other?.body, 'from the second');

  const messages = Promise.all([received(first), received(second)]);
  await far.log.waitFor({ event: 'subscribed', reason: `devices/${ID}/messages/devicebound/#` }, PATIENCE_MS);
  await far.sendToDevice(ID, 'to both', { properties: { unit: 'K' } });
  for (const message of await messages) {
    assert.equal(message.getData().toString(), 'to both');
    assert.equal(message.properties.getValue('unit'), 'K');
  }

  const answerWith = (status: number) => (request: DeviceMethodRequest, response: DeviceMethodResponse) =>
    void response.send(status, { method: request.methodName, got: request.payload });
  first.onDeviceMethod('reboot', answerWith(200));
  second.onDeviceMethod('blink', answerWith(201));
  const call = async (name: string) => {
    for (;;) {
      // The SDK subscribes in its own time, and does not answer for a method that it does not know.
      const answer = await far.callMethod(ID, name, { n: 1 }, 1_000).catch(() => undefined);
      await pause(50);
      if (answer !== undefined && answer.status !== 404) return answer;
    }
  };
  assert.deepEqual(await call('blink'), { status: 201, payload: { method: 'blink', got: { n: 1 } } });
  assert.deepEqual(await call('reboot'), { status: 200, payload: { method: 'reboot', got: { n: 1 } } });
  assert.equal((await far.callMethod(ID, 'leafStatus')).status, 200, "newleaf's own");

  const [twin, twinOfSecond] = await Promise.all([first.getTwin(), second.getTwin()]);
  const changed = new Promise<{ interval?: number }>((resolve) => {
    twin.on('properties.desired', (delta: { interval?: number }) => {
      if (delta.interval !== undefined) resolve(delta);
    });
  });
  await far.updateDesired(ID, { interval: 30 });
  assert.equal((await changed).interval, 30);
  await report(twinOfSecond, { firmware: '1.2' });
  const { reported } = await far.twin(ID);
  assert.equal(reported.firmware, '1.2');
  assert.ok(reported.newleaf, "newleaf's own property is untouched");
}

async function offline(t: TestContext, at: Serving): Promise<void> {
  const { far, gateway } = at;
  const client = await sdk(t, at, 'third');
  const twin = await client.getTwin();
  const { arrived } = await far.telemetry('hub1', ID);
  await far.lay('hub1', 'port-closed');
  await gateway.until(({ online }) => !online);
  const begun = Date.now();
  const brief = new device.Message('too late');
  brief.expiryTimeUtc = new Date(begun + 500);
  await client.sendEvent(brief);
  await client.sendEvent(new device.Message('in time'));
  await report(twin, { firmware: '1.3', fan: { on: true } });
  await report(twin, { fan: { speed: 3 } });
  const ended = Date.now();
  while (Date.now() < begun + 500) await pause(20);
  await far.lift('hub1', 'port-closed');
  await gateway.settled();
  const came = async () => (await far.telemetry('hub1', ID, arrived)).messages;
  while ((await came()).length === 0) await pause(20);
  const [message] = await came();
  assert.equal(message?.body, 'in time');
  const taken = Date.parse(message?.properties['$.ctime'] ?? '');
  assert.ok(taken >= begun && taken <= ended, message?.properties['$.ctime'] ?? '');
  while ((await far.twin(ID)).reported.firmware !== '1.3') await pause(20);
  assert.deepEqual((await far.twin(ID)).reported.fan, { on: true, speed: 3 });
  const { programs } = await gateway.uplink();
  assert.equal(programs.find(({ name }) => name === 'third')?.expired, 1);
}

async function wrongKey(t: TestContext, at: Serving): Promise<void> {
  const good = await sdk(t, at, 'good');
  const before = (await at.far.telemetry('hub1', ID)).arrived;
  const { ca } = await at.gateway.keyedProgram('other');
  const wrong = Buffer.alloc(32, 7).toString('base64');
  const client = clientOf(
    t,
    `HostName=newleaf.local;DeviceId=other;SharedAccessKey=${wrong};GatewayHostName=localhost:${port}`,
  );
  await client.setOptions({ ca: readFileSync(ca, 'utf8') });
  client.setRetryPolicy(new (await import('azure-iot-common')).default.NoRetry());
  await assert.rejects(client.open(), { name: 'UnauthorizedError' });
  await good.sendEvent(new device.Message('still here'));
  while ((await at.far.telemetry('hub1', ID)).arrived <= before) await pause(20);
}
