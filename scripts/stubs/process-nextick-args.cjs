module.exports = { nextTick: process.nextTick };
