module.exports = { isMainThread: true };
