import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Ask } from '../../../agent/ask/ask.ts';
import type { DaemonEvent } from '../../../agent/ask/event.ts';
import { type ControlOptions, serveControl } from '../../../agent/control/server.ts';
import type { Line, Log } from '../../../agent/machine/log.ts';
import { scratch } from '../state/disk.ts';

/** The group that the fixture calls `newleaf`: root may give a file to any, others only to their own. */
export const GROUP_ID = process.getuid?.() === 0 ? 4711 : process.getgid?.();

export interface Daemon {
  readonly socket: string;
  readonly directory: string;
  readonly asks: Ask[];
  readonly logged: Line[];
  readonly listeners: Set<(event: DaemonEvent) => void>;
  /** Resolves at the next change of listeners. */
  listenersChange(): Promise<unknown>;
  close(): Promise<void>;
}

/** A control socket with a daemon behind it that answers 202 to everything, and notes what it was asked. */
export async function daemon(t: TestContext, change: Partial<ControlOptions> = {}): Promise<Daemon> {
  const directory = scratch(t);
  const asks: Ask[] = [];
  const logged: Line[] = [];
  const listeners = new Set<(event: DaemonEvent) => void>();
  const changes = new EventTarget();
  const note = (line: Line) => void logged.push(line);
  const log: Log = { error: note, warn: note, info: note, debug: note };
  const groupFile = join(directory, 'group');
  writeFileSync(groupFile, `root:x:0:\nnewleaf:x:${GROUP_ID}:tech\n`);
  const socket = join(directory, 'run', 'control.sock');
  const { close } = await serveControl({
    socket,
    log,
    groupFile,
    metrics: () => 'newleaf_up 1\n',
    uplink: { status: () => undefined, change: async () => ({ status: 200, body: {} }) },
    answer: async (ask) => {
      asks.push(ask);
      return { status: 202, body: { id: '1' } };
    },
    subscribe(listener) {
      listeners.add(listener);
      changes.dispatchEvent(new Event('change'));
      return () => {
        listeners.delete(listener);
        changes.dispatchEvent(new Event('change'));
      };
    },
    ...change,
  });
  t.after(close);
  return { socket, directory, asks, logged, listeners, listenersChange: () => once(changes, 'change'), close };
}

/** A promise that a test opens. */
export function latch(): { readonly opened: Promise<void>; open(): void } {
  const door = new EventTarget();
  return { opened: once(door, 'open').then(() => undefined), open: () => void door.dispatchEvent(new Event('open')) };
}
