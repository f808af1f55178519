// mqtt 4.3.8 uses it for the topic aliases of MQTT 5; the hub speaks 3.1.1 with us.
module.exports = { NumberAllocator: class {} };
