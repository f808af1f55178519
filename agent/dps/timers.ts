/**
 * azure-iot-provisioning-device 1.9.1 has no way to stop its timers: one polls, and would dial again; the other waits
 * for 30 s for an answer, and goes on when the connection has ended before the SUBACK (polling_state_machine.js).
 */
export function stopTimers(client: object): void {
  const { _pollingStateMachine: machine } = client as { _pollingStateMachine: Timers };
  clearTimeout(machine._pollingTimer);
  clearTimeout(machine._queryTimer);
}

interface Timers {
  readonly _pollingTimer?: NodeJS.Timeout;
  readonly _queryTimer?: NodeJS.Timeout;
}
