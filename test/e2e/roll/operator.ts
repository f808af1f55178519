import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Endpoints } from '../../simulator/api.ts';
import type { Ended, Gateway } from '../stage/gateway.ts';
import type { Line } from '../stage/timeline.ts';
import { TOOL } from './tool.ts';

/** `enroll` asks before it destroys, and here nobody is there to answer. In place of the shell, so that a signal reaches it. */
const SHELL = 'enroll() { exec "$NODE" "$TOOL" "$@" --yes; }';

/** Every command that an operator has typed in this process. */
export const TYPED = new Set<string>();

/**
 * The operator at a desk: a directory with the certificates that somebody sent, and the command line of scripts/enroll
 * in a shell. What is done here can be done to the real services, too, by the same words.
 */
export class Operator {
  /** What was typed, and when. */
  readonly typed: Line[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), 'newleaf-operator-'));
  readonly #env: NodeJS.ProcessEnv;
  readonly #leaves: AbortSignal | undefined;

  /** @param leaves when the operator gives up: what runs then is ended */
  constructor({ dpsService, hub1Service, trustPem }: Endpoints, leaves?: AbortSignal) {
    this.#leaves = leaves;
    this.keep('trust.pem', trustPem);
    this.#env = {
      ...process.env,
      NODE: process.execPath,
      TOOL,
      NODE_EXTRA_CA_CERTS: join(this.#directory, 'trust.pem'),
      NEWLEAF_DPS_CONNECTION: dpsService,
      NEWLEAF_HUB_CONNECTION: hub1Service,
      XDG_STATE_HOME: join(this.#directory, 'state'),
    };
  }

  /** Puts a file onto the desk. */
  keep(name: string, text: string): void {
    writeFileSync(join(this.#directory, name), text);
  }

  /** Copies a file out of the state directory of the gateway, as `scp` does. */
  fetch({ stateDirectory }: Gateway, name: 'leaf.pem' | 'next.pem'): void {
    copyFileSync(join(stateDirectory, name), join(this.#directory, name));
  }

  /** Runs a line of the shell to its end, and asserts how it ended. */
  async types(line: string, expected = 0): Promise<Ended> {
    this.typed.push({ at: performance.timeOrigin + performance.now(), text: `$ ${line}` });
    TYPED.add(line);
    const child = spawn('sh', ['-c', `${SHELL}\n${line}`], {
      cwd: this.#directory,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(this.#leaves && { signal: this.#leaves }),
    });
    const [out, err, [code]] = await Promise.all([
      child.stdout.toArray(),
      child.stderr.toArray(),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    const ended = { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
    assert.equal(code, expected, `${line} ended with ${code}, and not with ${expected}.\n${ended.out}${ended.err}`);
    return ended;
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
