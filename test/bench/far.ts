import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectSimulator, type RemoteSimulator } from '../simulator/client.ts';

export interface Far {
  /** URL of the control port, for connectSimulator. */
  readonly control: string;
  readonly simulator: RemoteSimulator;
  end(): Promise<void>;
}

/** The far side as a process of its own: it must not share time or memory with what is measured. */
export async function startFar(): Promise<Far> {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-far-'));
  const main = join(import.meta.dirname, '..', 'simulator', 'main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', main, '--directory', directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [first] = await once(createInterface(child.stdout), 'line');
  const { control } = JSON.parse(first) as { control: string };
  const simulator = await connectSimulator(control);
  return {
    control,
    simulator,
    async end() {
      const ended = once(child, 'close');
      child.stdin.end();
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}
