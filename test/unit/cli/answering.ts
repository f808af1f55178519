import type { TestContext } from 'node:test';
import type { Ask } from '../../../agent/ask/ask.ts';
import type { DaemonEvent } from '../../../agent/ask/event.ts';
import type { WireAnswer } from '../../../agent/ask/wire.ts';
import type { Status } from '../../../agent/roll/report.ts';
import { daemon } from '../control/daemon.ts';
import { configIn } from './stage.ts';

/** A daemon that answers what is asked with `answers`, one after the other, and has a status that the test changes. */
export async function answering(t: TestContext, status: Status, answers: readonly WireAnswer[]) {
  const left = [...answers];
  const held = { status };
  const asks: Ask[] = [];
  const it = await daemon(t, {
    async answer(ask) {
      if (ask.kind === 'status') return { status: 200, body: held.status };
      asks.push(ask);
      return left.shift() ?? { status: 500, body: { message: 'asked once too often' } };
    },
  });
  /** Changes the status, and tells those who follow, once there are some. */
  const become = async (status: Status, event: DaemonEvent = { type: 'changed' }) => {
    if (it.listeners.size === 0) await it.listenersChange();
    held.status = status;
    for (const tell of it.listeners) tell(event);
  };
  return { ...it, config: configIn(it.directory), asks, become };
}
