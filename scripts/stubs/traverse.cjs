// The two uses in twin.js of azure-iot-device 1.18.4: forEach with `this.path`, and `this.remove()`. The package brings es-abstract.
module.exports = (root) => ({
  forEach(visit) {
    const walk = (node, path, remove) => {
      visit.call({ path, remove }, node);
      if (node === null || typeof node !== 'object') return;
      for (const key of Object.keys(node)) walk(node[key], [...path, key], () => delete node[key]);
    };
    walk(root, [], () => {});
  },
});
