import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { EXIT } from '../../agent/failure/exit.ts';
import type { Gateway } from '../e2e/stage/gateway.ts';

/** As in newleaf.service: RestartPreventExitStatus, and the first pause. */
const NO_RESTART: ReadonlySet<unknown> = new Set([EXIT.done, EXIT.usage, EXIT.person]);
const RESTART_MS = 1_000;

/** Stands in for systemd: it hears the line of `systemctl status`, and starts a daemon again that has ended by a fault. */
export class Unit {
  readonly #runtime = mkdtempSync(join(tmpdir(), 'newleaf-unit-'));
  readonly #lines = join(this.#runtime, 'lines');
  #isOver = false;
  /** How often the daemon was started again. */
  restarts = 0;

  constructor(t: TestContext) {
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
    return ['env', path, 'NOTIFY_SOCKET=/nowhere', `RUNTIME_DIRECTORY=${this.#runtime}`, 'INVOCATION_ID=1'];
  }

  /** The newest line for `systemctl status`. */
  readonly line = (): string => {
    const said = existsSync(this.#lines) ? readFileSync(this.#lines, 'utf8') : '';
    return said.split('\n').findLast((one) => one.startsWith('STATUS=')) ?? '';
  };

  /** Starts the daemon again whenever it ends by a fault, until the test is over. */
  watch(gateway: Gateway): void {
    void this.#watch(gateway);
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
