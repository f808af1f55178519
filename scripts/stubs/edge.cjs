// azure-iot-device 1.18.4: used by IoT Edge modules only, named by device.js.
module.exports = { ModuleClient: class {}, EdgedAuthConfig: class {}, IotEdgeAuthenticationProvider: class {} };
