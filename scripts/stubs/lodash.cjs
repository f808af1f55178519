// All functions that machina 4.0.2 and twin.js of azure-iot-device 1.18.4 call, as far as they are called: 200 files of lodash 4 are in
// their place otherwise. test/unit/lodash-stub.test.ts plays them beside lodash, and test/unit/bundle.test.ts looks for others.
const isObject = (value) => value !== null && (typeof value === 'object' || typeof value === 'function');

function isPlainObject(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const parent = Object.getPrototypeOf(value);
  return parent === null || parent === Object.prototype;
}

/** Inherited names, too, as lodash has them here. */
function names(source) {
  const found = [];
  for (const name in source) if (name !== '__proto__') found.push(name);
  return found;
}

function each(items, visit) {
  for (const name of Object.keys(items ?? {})) {
    if (visit(items[name], Array.isArray(items) ? Number(name) : name, items) === false) break;
  }
  return items;
}

function extend(target, ...sources) {
  for (const source of sources) for (const name of names(source)) target[name] = source[name];
  return target;
}

function merged(into, source) {
  const fits = Array.isArray(source) ? Array.isArray(into) : isObject(into) && typeof into !== 'function';
  return merge(fits ? into : Array.isArray(source) ? [] : {}, source);
}

function merge(target, ...sources) {
  for (const source of sources) {
    for (const name of names(source)) {
      const value = source[name];
      if (Array.isArray(value) || isPlainObject(value)) target[name] = merged(target[name], value);
      else if (value !== undefined || !(name in target)) target[name] = value;
    }
  }
  return target;
}

const cloneDeep = (value) => (Array.isArray(value) || isPlainObject(value) ? merged(undefined, value) : value);

module.exports = {
  at: (from, path) => [path in from ? from[path] : path.split('.').reduce((at, name) => at?.[name], from)],
  cloneDeep: cloneDeep,
  defaults(target, source) {
    const lacks = (name) => target[name] === Object.prototype[name] && !Object.hasOwn(target, name);
    for (const name of names(source)) if (target[name] === undefined || lacks(name)) target[name] = source[name];
    return target;
  },
  difference: (items, others) => items.filter((item) => !others.includes(item)),
  each: each,
  extend: extend,
  filter: (items, keep) => items.filter((item) => keep(item)),
  includes: (items, item) => items?.includes(item) === true,
  isArray: Array.isArray,
  isPlainObject: isPlainObject,
  merge: merge,
  transform(from, change) {
    const made = {};
    each(from, (value, name) => change(made, value, name));
    return made;
  },
  without: (items, ...others) => (items ?? []).filter((item) => !others.includes(item)),
};
