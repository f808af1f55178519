'use strict';
// The back end of Microsoft's tests, which speak AMQP to a hub and to Event Hubs: here it speaks to the control port of the
// simulator (NEWLEAF_CONTROL). Loaded into the process of the tests by --require.
const Module = require('node:module');

const control = process.env.NEWLEAF_CONTROL;
const load = Module._load;

async function post(operation, ...args) {
  const response = await fetch(`${control}/api/${operation}`, { method: 'POST', body: JSON.stringify(args) });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}

const answered = (promise, callback) =>
  promise.then(
    (value) => callback(undefined, value),
    (error) => callback(error),
  );

/** Sends cloud-to-device messages. */
class ServiceClient {
  static fromConnectionString() {
    return new ServiceClient();
  }

  open(callback) {
    answered(Promise.resolve(), callback);
  }

  close(callback) {
    answered(Promise.resolve(), callback);
  }

  send(deviceId, message, callback) {
    const { messageId, properties } = message;
    const named = properties.propertyList.map(({ key, value }) => [key, value]);
    const options = {
      base64: true,
      properties: Object.fromEntries(named),
      system: messageId ? { mid: messageId } : {},
    };
    answered(post('sendToDevice', deviceId, Buffer.from(message.getBytes()).toString('base64'), options), callback);
  }
}

/** Reads device-to-cloud messages: what arrives at the first hub from now on. */
class EventHubConsumerClient {
  #ended = false;

  subscribe({ processEvents, processError }) {
    this.#read(processEvents).catch(processError);
  }

  async close() {
    this.#ended = true;
  }

  async #read(processEvents) {
    let seen = (await this.#log(0, 0)).at(-1)?.seq ?? 0;
    while (!this.#ended) {
      for (const { seq, event, server, clientId, code } of await this.#log(seen, 1_000)) {
        seen = seq;
        if (event !== 'telemetry' || server !== 'hub1') continue;
        const [message] = (await post('telemetry', server, clientId, code - 1, 1)).messages;
        const body = Buffer.from(message.body, message.base64 ? 'base64' : 'utf8');
        const systemProperties = { 'iothub-connection-device-id': clientId };
        const { '$.mid': messageId, ...properties } = message.properties;
        await processEvents([{ body, messageId, systemProperties, properties }]);
      }
    }
  }

  async #log(since, waitMs) {
    return (await fetch(`${control}/log?since=${since}&waitMs=${waitMs}`)).json();
  }
}

Module._load = (request, ...rest) => {
  if (request === '@azure/event-hubs') return { EventHubConsumerClient };
  const loaded = load(request, ...rest);
  return request === 'azure-iothub' ? { ...loaded, Client: ServiceClient } : loaded;
};
