import assert from 'node:assert/strict';
import { createDps } from '../../agent/dps/registration.ts';
import { at, call, never, newHub, startHub } from '../unit/hub/hub-side.ts';
import { LOOPBACK, leafNamed, TestCa } from '../unit/mqtt/certificates.ts';
import { FarSide } from '../unit/mqtt/far-side.ts';
import { lineAndRest } from './inputs.ts';
import { assertRefusal, type Reader } from './laws.ts';

const texts = (...all: readonly [string, ...string[]]) => all.map((one) => Buffer.from(one)) as [Buffer, ...Buffer[]];
const leaf = leafNamed('AA');
/** A topic is no longer (MQTT 3.1.1 section 1.5.3). */
const LONGEST_TOPIC = 65_535;

/** So that what the far side notes is no growth of newleaf. */
function forget(far: FarSide): void {
  far.received.length = 0;
  far.serverNames.length = 0;
  far.links.splice(0, far.links.length - 1);
}

/**
 * Messages over the session with a hub: topic and payload, through TLS, mqtt and the SDK. The session goes on, or it is lost
 * and can be opened again; a method is answered afterwards.
 */
export async function hubSession(): Promise<Reader & AsyncDisposable> {
  const far = await startHub();
  const hub = newHub();
  await hub.connect(leaf, at(far), never);
  const signals = hub.signals[Symbol.asyncIterator]();
  let signal = signals.next();
  let number = 0;
  return {
    name: 'hub',
    seeds: texts(
      '$iothub/methods/POST/reprovision/?$rid=1\n{"action":"roll","id":"job-1"}',
      '$iothub/methods/POST/leafStatus/?$rid=2\nnull',
      '$iothub/twin/res/200/?$rid=9\n{"desired":{"$version":1},"reported":{"$version":1}}',
      '$iothub/twin/PATCH/properties/desired/?$version=2\n{"a":1,"$version":2}',
      'devices/gw-0001/messages/devicebound/%24.mid=1&a=b\nhello',
      '$iothub/credentials/res/202/?$rid=abcd\n{}',
    ),
    async read(input) {
      const [topic, payload] = lineAndRest(input);
      number = (number % 60_000) + 1;
      const link = far.links.at(-1);
      link?.publish(topic.slice(0, LONGEST_TOPIC / 4), payload, number % 2 === 0 ? 1 : 0, number);
      const isLost = await Promise.race([
        call(far, link, 'leafStatus', '{}').then(() => false),
        signal.then(() => true),
      ]);
      if (isLost) {
        assert.equal((await signal).value?.failure.code, 'NL-HUB-LOST');
        signal = signals.next();
        await hub.connect(leaf, at(far), never);
      }
      forget(far);
    },
    async [Symbol.asyncDispose]() {
      await hub.close();
      await far[Symbol.asyncDispose]();
    },
  };
}

const RES = '$dps/registrations/res';

/** What DPS answers to a registration: topic and body, through TLS, mqtt and the SDK; then it hangs up. */
export async function dpsSession(): Promise<Reader & AsyncDisposable> {
  const ca = new TestCa();
  const connector = ca.connector(ca.issue('gw-0001'));
  const far = await FarSide.start(ca.issue('dps', LOOPBACK));
  const dps = createDps({
    endpoint: far.host,
    idScope: '0ne00000000',
    registrationId: 'gw-0001',
    connectorFor: () => Promise.resolve(connector),
  });
  return {
    name: 'dps-session',
    seeds: texts(
      `${RES}/202/?$rid=RID&retry-after=0\n{"operationId":"4.d0","status":"assigning"}`,
      `${RES}/200/?$rid=RID\n{"status":"assigned","registrationState":{"assignedHub":"hub-1","deviceId":"gw-0001"}}`,
      `${RES}/200/?$rid=RID\n{"status":"failed","registrationState":{"errorCode":400209,"errorMessage":"no hub"}}`,
      `${RES}/401/?$rid=RID\n{"errorCode":401002,"trackingId":"9c","message":"Unauthorized"}`,
    ),
    async read(input) {
      const [topic, payload] = lineAndRest(input);
      far.script = {
        onPublish(asked, link) {
          const rid = /\$rid=([^&]*)/.exec(asked.topic)?.[1] ?? '';
          link.publish(topic.slice(0, LONGEST_TOPIC / 4).replaceAll('RID', rid), payload);
          link.socket.end();
        },
      };
      try {
        const { hub, deviceId } = await dps.register(leaf, never);
        assert.ok(hub.length > 0 && deviceId.length > 0);
      } catch (error) {
        assertRefusal(error, /^NL-DPS-/);
      }
      await far.until(() => far.open === 0);
      forget(far);
    },
    [Symbol.asyncDispose]: () => far[Symbol.asyncDispose](),
  };
}
