import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { BUNDLE } from '../e2e/stage/gateway.ts';
import { cleanEnvironment } from './environment.ts';
import type { Answer, Metric } from './gauge.ts';
import type { Reading } from './reading.ts';

/** A gauge that does not end by itself is ended: its gateways end with their sockets. */
const GRACE_MS = 5_000;

/** The program with the code cache of this Node, as an installation has it. */
function installed(directory: string, node: string): string {
  const program = join(directory, 'program');
  cpSync(dirname(BUNDLE), program, { recursive: true, filter: (path) => !/\/(packages|operator|doc)$/.test(path) });
  const newleaf = join(program, basename(BUNDLE));
  for (const name of ['daemon', 'quick']) execFileSync(node, [newleaf, 'internal-cache', name]);
  return newleaf;
}

/** A Node, and the gauge that runs on it. */
export class NodeUnderTest {
  readonly name: string;
  readonly major: number;
  readonly #gauge: ChildProcess;
  readonly #directory: string;

  private constructor(major: number, gauge: ChildProcess, directory: string) {
    this.major = major;
    this.name = `Node ${major}`;
    this.#gauge = gauge;
    this.#directory = directory;
  }

  /** @param control URL of the far side's control port */
  static async open(path: string, control: string): Promise<NodeUnderTest> {
    const major = Number(execFileSync(path, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }));
    const directory = await mkdtemp(join(tmpdir(), 'newleaf-node-'));
    // The gateways get a copy that nobody else runs: what two processes share of one file counts as half in each.
    const [copy, bare] = [join(directory, 'node'), join(directory, 'bare-node')];
    for (const each of [copy, bare]) await copyFile(path, each);
    const program = installed(directory, copy);
    const gauge = fork(join(import.meta.dirname, 'gauge.ts'), [control, `gw-${major}`], {
      execPath: path,
      execArgv: ['--import', 'tsx'],
      env: {
        ...cleanEnvironment(process.env),
        NEWLEAF_TEST_NODE: copy,
        NEWLEAF_TEST_BARE_NODE: bare,
        NEWLEAF_TEST_BUNDLE: program,
      },
    });
    const ended = once(gauge, 'exit').then(([code]) => {
      throw new Error(`the gauge of Node ${major} ended with ${code}`);
    });
    await Promise.race([once(gauge, 'message'), ended]);
    ended.catch(() => {});
    return new NodeUnderTest(major, gauge, directory);
  }

  /** Takes the readings of a metric. */
  async take(metric: Metric): Promise<readonly Reading[]> {
    const answered = new Promise<Answer>((resolve, reject) => {
      const ended = () => reject(new Error(`the gauge of ${this.name} has ended`));
      const look = (answer: Answer) => {
        if (answer.metric !== metric) return;
        this.#gauge.off('message', look).off('exit', ended);
        resolve(answer);
      };
      this.#gauge.on('message', look).once('exit', ended);
    });
    this.#gauge.send(metric);
    const answer = await answered;
    if ('error' in answer) throw new Error(`${metric} on ${this.name}: ${answer.error}`);
    return answer.readings;
  }

  async close(): Promise<void> {
    const ended = once(this.#gauge, 'exit');
    this.#gauge.disconnect();
    const killer = setTimeout(() => this.#gauge.kill('SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(killer);
    await rm(this.#directory, { recursive: true });
  }
}
