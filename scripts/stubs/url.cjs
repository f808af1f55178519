// azure-iot-device-mqtt 1.16.4 takes topics apart with url.parse; from Node 24 on that prints DEP0169 for code that is not in node_modules.
module.exports = {
  parse(topic) {
    const [path] = topic.split('#', 1);
    const at = path.indexOf('?');
    return { path, query: at < 0 ? null : path.slice(at + 1) };
  },
};
