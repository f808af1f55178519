import type { Check } from './check.ts';
import { configuration } from './configuration.ts';
import { keys } from './keys.ts';
import { leafKey } from './leaf-key.ts';
import { leafValidity } from './leaf-validity.ts';
import { moduleLoads } from './module-loads.ts';
import { permissions } from './permissions.ts';
import { pin } from './pin.ts';
import { dpsReach, hubReach } from './reach.ts';
import { socket } from './socket.ts';
import { stateFile } from './state-file.ts';
import { tlsEngine } from './tls-engine.ts';
import { tokenPresent } from './token-present.ts';

/** Every check, in the order in which they are made: what a check needs stands before it. */
export const CHECKS: readonly Check[] = [
  configuration,
  stateFile,
  permissions,
  moduleLoads,
  tokenPresent,
  pin,
  keys,
  leafKey,
  leafValidity,
  tlsEngine,
  socket,
  dpsReach,
  hubReach,
];
