// All functions that machina 4.0.2 and twin.js of azure-iot-device 1.18.4 call; test/unit/bundle.test.ts looks for others.
module.exports = {
  at: require('lodash/at'),
  cloneDeep: require('lodash/cloneDeep'),
  defaults: require('lodash/defaults'),
  difference: require('lodash/difference'),
  each: require('lodash/each'),
  extend: require('lodash/extend'),
  filter: require('lodash/filter'),
  includes: require('lodash/includes'),
  isArray: require('lodash/isArray'),
  isPlainObject: require('lodash/isPlainObject'),
  merge: require('lodash/merge'),
  transform: require('lodash/transform'),
  without: require('lodash/without'),
};
