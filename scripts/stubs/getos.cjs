// azure-iot-common 1.13.3 asks for the distribution, for the user agent; getos reads ten files to find it.
module.exports = (callback) => callback(null, { dist: 'Linux', release: require('node:os').release() });
