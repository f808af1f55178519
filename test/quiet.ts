import type { Log } from '../agent/machine/log.ts';
import type { Notify } from '../agent/machine/notify.ts';

/** A log that nothing reads. */
export const quietLog: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** systemd that hears nothing, and watches nothing. */
export const quietNotify: Notify = {
  async ready() {},
  async stopping() {},
  async status() {},
  async watchdog() {},
  async expect() {},
  watchdogMs: undefined,
};
