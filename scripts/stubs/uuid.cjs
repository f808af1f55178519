module.exports = { v4: require('node:crypto').randomUUID };
