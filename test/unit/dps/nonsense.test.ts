import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafNamed } from '../mqtt/certificates.ts';
import { FarSide } from '../mqtt/far-side.ts';
import { quiet } from '../mqtt/quiet.ts';
import { dpsAt, server } from './mqtt-side.ts';

quiet();
const RES = '$dps/registrations/res';
const ASSIGNING = '{"operationId":"4.d0","status":"assigning"}';
const ASSIGNED = '{"status":"assigned","registrationState":{"assignedHub":"hub-1","deviceId":"gw-0001"}}';

/** What DPS can send beside the answer to the one request that is out; `RID` is that of the request. */
const DROPPED: readonly (readonly [topic: string, payload: string])[] = [
  // The SDK looks the request up in an object with a prototype: uncaught TypeError, "handler is not a function".
  [`${RES}/202/?$rid=__proto__`, ASSIGNING],
  [`${RES}/202/?$rid=valueOf&retry-after=1`, ASSIGNING],
  [`${RES}/200/?$rid=older`, '{"status":"assigned","registrationState":{"assignedHub":"other","deviceId":"x"}}'],
  [`${RES}/401/?$rid=older`, '{"errorCode":401002}'],
  [`${RES}/200/?$rid=RID&$rid=RID`, ASSIGNED],
  [`${RES}/200/`, ASSIGNED],
  [`${RES}/200/?`, ASSIGNED],
  [`${RES}/200/?%24rid=`, '{'],
  ['devices/gw-0001/messages/devicebound/%', ''],
  ['$dps', ''],
  ['/', '{'],
];

test('what DPS sends beside the answer is dropped and acknowledged', async () => {
  await using far = await FarSide.start(server, {
    onPublish({ topic }, link) {
      const rid = /\$rid=([^&]*)/.exec(topic)?.[1] ?? assert.fail();
      for (const [index, [nonsense, payload]] of DROPPED.entries())
        link.publish(nonsense.replaceAll('RID', rid), payload, 1, index + 1);
      const isFirst = topic.startsWith('$dps/registrations/PUT/');
      const right = isFirst ? `${RES}/202/?$rid=${rid}&retry-after=0` : `${RES}/200/?$rid=${rid}`;
      link.publish(right, isFirst ? ASSIGNING : ASSIGNED, 1, 100);
    },
  });
  const dropped: string[] = [];
  const dps = dpsAt(far.host, { dropped: (topic) => dropped.push(topic) });
  const assignment = await dps.register(leafNamed('AB'), new AbortController().signal);
  assert.deepEqual(assignment, { hub: 'hub-1', deviceId: 'gw-0001' });
  assert.equal(dropped.length, 2 * DROPPED.length);
  await far.until(() => far.open === 0);
  assert.equal(far.received.filter(({ cmd }) => cmd === 'puback').length, 2 * (DROPPED.length + 1));
});
