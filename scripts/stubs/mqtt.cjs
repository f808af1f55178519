// The client without `connect`, web sockets and the command line: agent/mqtt/tap.ts is the only way in.
const Client = require('mqtt/lib/client');

module.exports = { Client, MqttClient: Client };
