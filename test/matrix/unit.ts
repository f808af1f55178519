import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { EXIT } from '../../agent/failure/exit.ts';
import type { Gateway } from '../e2e/stage/gateway.ts';

/** As in newleaf.service: RestartPreventExitStatus, and the first pause. */
const NO_RESTART: ReadonlySet<unknown> = new Set([EXIT.done, EXIT.usage, EXIT.person]);
const RESTART_MS = 1_000;
const LOOK_MS = 250;

/**
 * Stands in for systemd: it hears the line of `systemctl status`, starts a daemon again that has ended by a fault, and with a
 * watchdog ends one that hangs.
 */
export class Unit {
  readonly #runtime = mkdtempSync(join(tmpdir(), 'newleaf-unit-'));
  readonly #lines = join(this.#runtime, 'lines');
  readonly #watchdogMs: number | undefined;
  #isOver = false;
  /** How often the daemon was started again. */
  restarts = 0;
  /** How often the watchdog has ended it. */
  hangs = 0;

  /** @param watchdogMs WatchdogSec= of the unit */
  constructor(t: TestContext, watchdogMs?: number) {
    this.#watchdogMs = watchdogMs;
    const notify = `#!/bin/sh\nprintf '%s\\n' "$*" >>${this.#lines}\n`;
    writeFileSync(join(this.#runtime, 'systemd-notify'), notify, { mode: 0o755 });
    t.after(() => {
      this.#isOver = true;
      rmSync(this.#runtime, { recursive: true, force: true });
    });
  }

  /** The command that runs the daemon as the unit does: where it may keep a note of its start, too. */
  get runner(): readonly string[] {
    const path = `PATH=${this.#runtime}:${process.env.PATH}`;
    const watchdog = this.#watchdogMs === undefined ? [] : [`WATCHDOG_USEC=${this.#watchdogMs * 1_000}`];
    return [
      'env',
      path,
      'NOTIFY_SOCKET=/nowhere',
      `RUNTIME_DIRECTORY=${this.#runtime}`,
      'INVOCATION_ID=1',
      ...watchdog,
    ];
  }

  /** The newest line for `systemctl status`. */
  readonly line = (): string => {
    const said = existsSync(this.#lines) ? readFileSync(this.#lines, 'utf8') : '';
    return said.split('\n').findLast((one) => one.startsWith('STATUS=')) ?? '';
  };

  /** Starts the daemon again whenever it ends by a fault, until the test is over. */
  watch(gateway: Gateway): void {
    void this.#watch(gateway);
    if (this.#watchdogMs !== undefined) void this.#guard(gateway, this.#watchdogMs);
  }

  /** As long as there is a process: one that hangs keeps the end of the test waiting. */
  async #guard(gateway: Gateway, watchdogMs: number): Promise<void> {
    let fed = { pid: gateway.pid, lines: 0, at: performance.now(), limitMs: watchdogMs };
    for (;;) {
      if (!existsSync(`/proc/${gateway.pid}`)) {
        this.#endOthers();
        if (this.#isOver) return;
      }
      if (fed.pid !== gateway.pid) fed = { ...fed, pid: gateway.pid, at: performance.now(), limitMs: watchdogMs };
      const said = existsSync(this.#lines) ? readFileSync(this.#lines, 'utf8').split('\n') : [];
      // sd_notify(3): WATCHDOG_USEC= feeds it as well.
      for (const one of said.slice(fed.lines)) {
        const [, name, value] = /^(READY|WATCHDOG(?:_USEC)?)=(\d+)$/.exec(one) ?? [];
        if (name !== undefined) fed.at = performance.now();
        if (name === 'WATCHDOG_USEC') fed.limitMs = Number(value) / 1_000;
      }
      fed.lines = Math.max(fed.lines, said.length - 1);
      if (performance.now() - fed.at > fed.limitMs && existsSync(`/proc/${fed.pid}`)) {
        this.hangs += 1;
        // What ExecStopPost= does.
        writeFileSync(join(this.#runtime, 'crashed'), 'watchdog\n');
        process.kill(fed.pid, 'SIGKILL');
        fed.limitMs = Number.POSITIVE_INFINITY;
      }
      await pause(LOOK_MS);
    }
  }

  /** KillMode=mixed: the other processes of the unit go with the first. Those of this test are commands, and not of the unit. */
  #endOthers(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`RUNTIME_DIRECTORY=${this.#runtime}`);
        const [, parent] = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
        if (isOurs && Number(parent) !== process.pid) process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
  }

  async #watch(gateway: Gateway): Promise<void> {
    for (;;) {
      const ended = await gateway.ended();
      if (this.#isOver || NO_RESTART.has(ended)) return;
      await pause(RESTART_MS);
      if (this.#isOver) return;
      this.restarts += 1;
      await gateway.start().catch(() => {});
    }
  }
}
