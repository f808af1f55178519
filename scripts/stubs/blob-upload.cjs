// azure-iot-device 1.18.4: Client.fromAuthenticationProvider makes both, and setOptions is passed on to them.
class Unused {
  setOptions() {}
}

module.exports = { BlobUploadClient: Unused, DefaultFileUploadApi: Unused };
