// Loaded into every Node process of `scripts/field/azure`: writes down what goes over its TLS connections, as it is before
// TLS. A daemon's key is in its token, so nothing between it and the service could read along. Off without NEWLEAF_FIELD_TAP,
// a directory that only its owner can read: the bytes have signatures in them, which tape.ts takes out.
const { appendFileSync } = require('node:fs');
const { errorMonitor } = require('node:events');
const { syncBuiltinESMExports } = require('node:module');
const tls = require('node:tls');

const { connect } = tls;
let connections = 0;

function write(line) {
  const file = `${process.env.NEWLEAF_FIELD_TAP}/${process.pid}`;
  appendFileSync(file, `${JSON.stringify({ at: Date.now(), ...line })}\n`, { mode: 0o600 });
}

function tapped(socket, to) {
  connections += 1;
  const connection = connections;
  const note = (way, data = '') => write({ connection, to, way, data });
  write({ connection, to, way: 'opened', argv: process.argv.slice(1) });
  const { push, _write: one, _writev: several } = socket;
  const out = (chunk, encoding) => note('out', Buffer.from(chunk, encoding).toString('base64'));
  socket.push = function (chunk, ...rest) {
    if (chunk !== null) note('in', Buffer.from(chunk).toString('base64'));
    return push.call(this, chunk, ...rest);
  };
  socket._write = function (chunk, encoding, done) {
    out(chunk, encoding);
    return one.call(this, chunk, encoding, done);
  };
  socket._writev = function (chunks, done) {
    for (const { chunk, encoding } of chunks) out(chunk, encoding);
    return several.call(this, chunks, done);
  };
  socket.once('secureConnect', () => note('secure', socket.getProtocol()));
  socket.on(errorMonitor, (error) => note('failed', `${error.code ?? ''} ${error.message}`.trim()));
  socket.once('close', () => note('closed'));
  return socket;
}

tls.connect = function (...args) {
  const socket = connect.apply(this, args);
  if (!process.env.NEWLEAF_FIELD_TAP) return socket;
  const options = args.find((argument) => typeof argument === 'object' && argument !== null) ?? {};
  const [first] = args;
  const port = typeof first === 'number' ? first : options.port;
  return tapped(socket, `${options.host ?? options.servername ?? ''}:${port ?? ''}`);
};
syncBuiltinESMExports();
