// pino 10.4.0: transports run in a worker thread. newleaf logs to stdout.
module.exports = () => {
  throw new Error('pino transports are not in the bundle');
};
