// Uploads to blob storage, REST calls of Edge modules, ES5 polyfills: loaded by the SDK at start, never used by newleaf.
module.exports = {};
