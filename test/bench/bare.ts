import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { BARE_NODE } from './node.ts';
import { cpuMsOf } from './proc.ts';
import { ENVIRONMENT, FLAGS } from './stand.ts';

export interface BareNode {
  readonly pid: number;
  /** From fork to its first line, in milliseconds; and what that took of a processor. */
  readonly startMs: number;
  readonly cpuMs: number;
  end(): Promise<void>;
}

const NOTHING = 'setInterval(() => {}, 1_000)';

/** The Node that runs the gateways, with its flags and nothing to do: the floor of everything. */
export async function bareNode(): Promise<BareNode> {
  const before = performance.now();
  const child: ChildProcess = spawn(BARE_NODE, [...FLAGS, '-e', `${NOTHING}; console.log("ready")`], {
    env: { ...process.env, ...ENVIRONMENT },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  if (child.stdout !== null) await once(child.stdout, 'data');
  const startMs = performance.now() - before;
  const pid = child.pid ?? 0;
  return {
    pid,
    startMs,
    cpuMs: cpuMsOf(pid),
    async end() {
      child.kill();
      await closed;
    },
  };
}
