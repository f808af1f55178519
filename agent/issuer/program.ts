import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { inheritable } from './inherited.ts';

export interface Program {
  /** Path of the program, then its arguments: no shell reads them. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: string;
  /** A program that prints more is killed. */
  readonly maxBytes: number;
  /** Kills the program and all that it has started: SIGTERM, and SIGKILL a moment later. */
  readonly signal: AbortSignal;
  /** Gets each line of stderr, shortened; of very many only the first ones. */
  readonly log: (line: string) => void;
}

export interface Ended {
  /** Null where a signal has ended it. */
  readonly code: number | null;
  readonly by: NodeJS.Signals | null;
  readonly stdout: Buffer;
  /** It printed more than maxBytes. */
  readonly cut: boolean;
  /** The beginning of stderr. */
  readonly stderr: string;
}

const GRACE_MS = 2_000;
/** The output is in the pipe when the program ends: reading it takes no longer than this, however slow the gateway. */
const DRAIN_MS = 500;
const LONGEST_LINE = 300;
const MOST_LINES = 50;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Runs a program to its end, in a process group of its own. It has ended when its own process has: processes that it has
 * started, or that hold its stdout open, are killed and not waited for. Throws the error of spawn(2) where it cannot be
 * started. An abort is no error: it ends the program, and `by` says so.
 */
export async function runProgram({ argv, env, stdin, maxBytes, signal, log }: Program): Promise<Ended> {
  const [file = '', ...args] = argv;
  const child = spawned(file, args, env);
  const closed = once(child, 'close').catch(() => undefined);
  let killer: NodeJS.Timeout | undefined;
  const kill = () => {
    killGroup(child, 'SIGTERM');
    killer ??= setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS);
  };
  const printed = collect(child.stdout, maxBytes, kill);
  const complained = listen(child.stderr, log);
  // A program need not read its stdin: the request is in its environment, too.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  signal.addEventListener('abort', kill);
  if (signal.aborted) kill();
  try {
    const [code, by] = await once(child, 'exit');
    if (killer !== undefined) killGroup(child, 'SIGKILL');
    await drain(child, closed);
    return { code, by, ...printed(), stderr: complained() };
  } finally {
    signal.removeEventListener('abort', kill);
    clearTimeout(killer);
  }
}

/**
 * With only the three pipes open: /dev/null takes the place of descriptors that a module has left open. node cannot close them
 * in the child, and a shell in between need not know descriptors above 9 (POSIX, Shell Command Language, 2.7).
 */
function spawned(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Child {
  const nothing = openSync('/dev/null', 'r+');
  try {
    const pipes = ['pipe', 'pipe', 'pipe'] as const;
    const left = inheritable();
    const beyond = Array.from({ length: Math.max(0, ...left.map((fd) => fd - 2)) }, (_, at) =>
      left.includes(at + 3) ? nothing : ('ignore' as const),
    );
    return spawn(file, args, { env, detached: true, stdio: [...pipes, ...beyond] }) as Child;
  } finally {
    closeSync(nothing);
  }
}

/** The pipes close with the last process that holds them: a living one is killed, or left if it cannot be found. */
async function drain(child: Child, closed: Promise<unknown>): Promise<void> {
  const leave = () => {
    for (const pipe of [child.stdout, child.stderr]) pipe.destroy();
  };
  for (const lastResort of [() => killGroup(child, 'SIGKILL'), leave]) {
    const drained = new AbortController();
    const late = sleep(DRAIN_MS, 'late', drained).catch(() => undefined);
    const first = await Promise.race([closed, late]);
    drained.abort();
    if (first !== 'late') return;
    lastResort();
  }
}

/** A detached child leads a group that has its number (setsid(2)). */
function killGroup({ pid }: Child, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: the group has no process left.
  }
}

function collect(stdout: Readable, maxBytes: number, kill: () => void): () => Pick<Ended, 'stdout' | 'cut'> {
  const chunks: Buffer[] = [];
  let length = 0;
  stdout.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(chunk);
    else kill();
  });
  return () => ({ stdout: Buffer.concat(chunks), cut: length > maxBytes });
}

/** Logs line by line, and holds only the beginning of a line. */
function listen(stderr: Readable, log: (line: string) => void): () => string {
  let head = '';
  let unfinished = '';
  let lines = 0;
  const tell = (line: string) => {
    if (line.trim() === '') return;
    lines += 1;
    if (lines <= MOST_LINES) log(line.slice(0, LONGEST_LINE));
  };
  stderr.setEncoding('utf8');
  stderr.on('data', (chunk: string) => {
    head = (head + chunk).slice(0, LONGEST_LINE);
    const pieces = (unfinished + chunk).split('\n');
    unfinished = (pieces.pop() ?? '').slice(0, LONGEST_LINE);
    pieces.forEach(tell);
  });
  return () => {
    tell(unfinished);
    if (lines > MOST_LINES) log(`… and ${lines - MOST_LINES} lines more`);
    return head;
  };
}
