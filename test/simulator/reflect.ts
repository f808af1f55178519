/**
 * `@peculiar/x509` 2.2.0 loads `tsyringe` 4.10, which throws at import ("tsyringe requires a reflect polyfill") unless
 * `Reflect` has metadata functions. Only constructor injection would read the metadata, and x509 uses none: functions
 * that keep nothing are enough, and spare a dependency. This module must be imported before x509.
 */
const keepNothing = (): undefined => undefined;

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { getMetadata: keepNothing, getOwnMetadata: keepNothing, defineMetadata: keepNothing });
}
