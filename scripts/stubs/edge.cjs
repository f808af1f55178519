// azure-iot-device 1.18.4: what only an IoT Edge module uses, named by device.js.
module.exports = { ModuleClient: class {}, EdgedAuthConfig: class {}, IotEdgeAuthenticationProvider: class {} };
