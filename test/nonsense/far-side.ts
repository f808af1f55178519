import assert from 'node:assert/strict';
import { cleaned, type DpsAnswer, readDpsAnswer, requestOf } from '../../agent/dps/wire.ts';
import { Fault } from '../../agent/failure/failure.ts';
import { METHOD_NAMES, readCall } from '../../agent/hub/methods.ts';
import { patch } from '../../agent/hub/patch.ts';
import { certificatesFrom } from '../../agent/issuer/answer.ts';
import { readAnswer } from '../../agent/issuer/azure/answers.ts';
import { issuedIn } from '../../agent/issuer/azure/issued.ts';
import { fields, isObject, jsonIn } from '../../agent/mqtt/json.ts';
import { readTopic } from '../../agent/mqtt/topic.ts';
import { decoded, eventFault, readArrived, readFilter, readPublished } from '../../agent/uplink/topics.ts';
import { NOW } from '../unit/certificate/mint.ts';
import { lineAndRest } from './inputs.ts';
import { assertRefusal, type Reader } from './laws.ts';
import type { Papers } from './papers.ts';

const RES = '$dps/registrations/res';
const STATE = {
  assigned: `{"operationId":"4.d0","status":"assigned","registrationState":{"assignedHub":"hub-1.azure-devices.net","deviceId":"gw-0001","substatus":"initialAssignment","status":"assigned"}}`,
  failed: `{"operationId":"4.d0","status":"failed","registrationState":{"status":"failed","errorCode":400209,"errorMessage":"no hub","deviceId":"gw-0001"}}`,
  refused: `{"errorCode":401002,"trackingId":"9c","message":"Unauthorized","timestampUtc":"2026-11-30T00:00:00Z"}`,
};
const texts = (...all: readonly [string, ...string[]]) => all.map((one) => Buffer.from(one)) as [Buffer, ...Buffer[]];

/** Answers of DPS over MQTT: topic and body. */
export const dpsAnswers: Reader = {
  name: 'dps',
  seeds: texts(
    `${RES}/202/?$rid=1&retry-after=3\n{"operationId":"4.d0","status":"assigning"}`,
    `${RES}/200/?$rid=1\n${STATE.assigned}`,
    `${RES}/200/?$rid=1\n${STATE.failed}`,
    `${RES}/200/?$rid=1\n{"status":"disabled","registrationState":{"errorCode":403,"errorMessage":"x"}}`,
    `${RES}/401/?$rid=1\n${STATE.refused}`,
    `${RES}/429/?$rid=1&Retry-After=5\n{"errorCode":429001,"message":"throttled"}`,
  ),
  read(input) {
    const [topic, payload] = lineAndRest(input);
    for (const polling of [false, true]) {
      const answer = readDpsAnswer(topic, payload, polling);
      if (answer !== undefined) assertDps(topic, answer);
    }
  },
};

function assertDps(topic: string, answer: DpsAnswer): void {
  if (answer instanceof Fault) {
    assertRefusal(answer, /^NL-DPS-/);
    return;
  }
  if (answer.status === 'assigned') {
    const { hub, deviceId } = answer.assignment;
    assert.match(hub, /^[\w.-]{1,253}(:\d+)?$/);
    assert.match(deviceId, /^[^/&#+\0-\x20]{1,128}$/);
    return;
  }
  assert.ok(answer.retryAfterMs >= 100 && answer.retryAfterMs <= 86_400_000);
  const again = cleaned(topic, answer);
  const read = readDpsAnswer(again.topic, again.payload, false);
  assert.ok(read !== undefined && !(read instanceof Fault) && read.status === 'assigning');
  assert.deepEqual([read.operationId, requestOf(again.topic)], [answer.operationId, requestOf(topic) ?? '']);
}

/** Answers of an EST server: status, content type, `retry-after`, `location`; and the body. */
export const estAnswers = ({ leaf, chain, indefinite }: Papers): Reader => {
  const base64 = (der: Buffer) => der.toString('base64').replace(/.{64}/g, '$&\r\n');
  return {
    name: 'est',
    seeds: texts(
      `200|application/pkcs7-mime; smime-type=certs-only\n${base64(chain)}`,
      `200|application/pkcs7-mime\n${base64(indefinite)}`,
      `200|application/pkcs7-mime\n${base64(leaf.der)}`,
      '202|text/plain|3600\n',
      '503|text/html|Fri, 31 Dec 2999 23:59:59 GMT\n<html>',
      '307|text/html||https://elsewhere.example/est\n',
    ),
    async read(input) {
      const [line, body] = lineAndRest(input);
      const [status, type, retryAfter, location] = line.split('|');
      const headers = {
        ...(type !== undefined && { 'content-type': type }),
        ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
        ...(location !== undefined && { location }),
      };
      const reply = { status: Number(status) || 200, headers, body, cut: false };
      try {
        const certificates = await certificatesFrom('simpleenroll', reply, NOW);
        assert.ok(certificates.length > 0 && certificates.every((one) => one[0] === 0x30));
      } catch (error) {
        assertRefusal(error, /^NL-EST-/);
        const { retryAfterMs = 0 } = (error as Fault).failure;
        assert.ok(retryAfterMs >= 0 && Number.isFinite(retryAfterMs));
      }
    },
  };
};

/** Answers of a hub and of DPS that issue leaves: topic and body. */
export const issuingAnswers = ({ leaf, ca }: Papers): Reader => {
  const list = JSON.stringify([leaf, ca].map(({ der }) => der.toString('base64')));
  const topic = (status: number) => `$iothub/credentials/res/${status}/?$rid=0123456789abcdef`;
  return {
    name: 'issuing',
    seeds: texts(
      `${topic(200)}\n{"certificates":${list}}`,
      `${topic(200)}\n${list}`,
      `${topic(202)}\n{"correlationId":"1","operationExpires":"2030-01-01T00:00:00Z"}`,
      `${topic(409)}\n{"errorCode":409005,"info":{"requestId":"abcd-1234"}}`,
      `${topic(429)}\n{"errorCode":429002,"trackingId":"9c","message":"later","retryAfter":30}`,
      `${topic(400)}\n{"errorCode":400040,"message":"no","info":{"credentialError":"InvalidCsr","credentialMessage":"x"}}`,
    ),
    read(input) {
      const [topic, payload] = lineAndRest(input);
      const { request, answer } = readAnswer(topic, payload) ?? {};
      assert.notEqual(request, '');
      if (answer?.is === 'failed') assertRefusal(answer.fault, /^NL-AZURE-/);
      if (answer?.is === 'issued') assert.match(answer.chain, /^-----BEGIN CERTIFICATE-----\n/);
      try {
        issuedIn(fields(jsonIn(payload)).certificates, 'DPS');
      } catch (error) {
        assertRefusal(error, /^NL-AZURE-(BODY|POLICY)$/);
      }
    },
  };
};

/** Calls of direct methods: the name, and the payload. */
export const methodCalls: Reader = {
  name: 'methods',
  seeds: texts(
    'reprovision\n{"action":"roll","id":"job-1","delaySeconds":30}',
    'leafStatus\n{"pem":true}',
    'leafStatus\nnull',
    'requestCsr\n{"id":"1","newKey":true,"onboarding":false}',
    'installLeaf\n{"chain":"-----BEGIN CERTIFICATE-----\\nAA==\\n-----END CERTIFICATE-----","id":"2"}',
  ),
  read(input) {
    const [name, payload] = lineAndRest(input);
    const reading = readCall(name, jsonIn(payload));
    if ('wrong' in reading) {
      assert.ok(reading.wrong.message.startsWith(`${reading.wrong.field} `));
      return;
    }
    assert.ok(METHOD_NAMES.includes(name));
    const { ask } = reading;
    assert.ok(['re-register', 'roll', 'status', 'csr', 'onboarding-csr', 'install'].includes(ask.kind));
    if ('delayMs' in ask) assert.ok(Number.isSafeInteger(ask.delayMs) && ask.delayMs >= 0 && ask.delayMs <= 86_400_000);
    if ('id' in ask && ask.id !== undefined) assert.match(ask.id, /^.{1,128}$/s);
  },
};

/** Topics of hubs and of programs, and what is in the properties. */
export const topics: Reader = {
  name: 'topics',
  seeds: texts(
    '$iothub/methods/POST/leafStatus/?$rid=1',
    '$iothub/twin/res/204/?$rid=0b7e&$version=7',
    '$iothub/twin/PATCH/properties/desired/?$version=2',
    'devices/gw-0001/messages/devicebound/%24.mid=1&%24.to=%2Fdevices%2Fgw-0001&a=b',
    'devices/gw-0001/messages/devicebound/#',
    'devices/sensors/messages/events/by=sensors&$.ct=application%2Fjson\n{"temperature":21}',
    '$iothub/twin/GET/?$rid=1',
    '$iothub/twin/PATCH/properties/reported/?$rid=u-1\n{"a":1}',
    '$iothub/methods/res/200/?$rid=1\n{}',
  ),
  read(input) {
    const [topic, payload] = lineAndRest(input);
    const read = readTopic(topic);
    if (read !== undefined) assert.match(read.request, /^[^#+\0]{1,256}$/);
    if (read?.of === 'method') assert.match(read.name, /^[^/]{1,100}$/);
    if (read?.of === 'twin-answer') assert.ok(read.status === 0 || (read.status > 0 && read.status < 1_000));
    const published = readPublished(topic);
    if ('wrong' in published) assert.ok(published.wrong.length < 200);
    else if (published.of === 'event' && eventFault(published.bag, payload) === undefined)
      for (const pair of published.bag.split(/[&=]/)) assert.notEqual(decoded(pair), undefined);
    readFilter(topic);
    readArrived(topic);
  },
};

/** The property of newleaf as a hub has it, and as it is to be. */
export const twins: Reader = {
  name: 'twin',
  seeds: texts(
    '{"phase":"serving","leaf":{"cn":"gw-0001","notAfter":"2030-01-01"},"last":null}\n{"phase":"registering","leaf":{"cn":"gw-0001"}}',
    '{"schema":1,"wrong":[{"code":"NL-DPS-401002"}]}\n{"schema":1,"wrong":[]}',
    'null\n{"schema":1}',
  ),
  read(input) {
    const [line, rest] = lineAndRest(input);
    const before = jsonIn(line);
    const after = jsonIn(rest);
    const change = patch(before, after);
    if (change !== undefined && isObject(after)) assert.equal(patch(merged(before, change), after), undefined);
  },
};

/** RFC 7396. */
function merged(target: unknown, change: unknown): unknown {
  if (!isObject(change)) return change;
  const result = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(change))
    if (value === null) result.delete(name);
    else result.set(name, merged(result.get(name), value));
  return Object.fromEntries(result);
}
