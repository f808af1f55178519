module.exports = (...sources) => Object.assign({}, ...sources);
