import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { accepted, refusal, Stage } from './stage.ts';

/**
 * Run as a program with a small heap, in a directory whose inbox is flooded: takes what lies there for some seconds, and
 * prints what it did. A process that runs out of memory prints nothing.
 */
const [, , directory = ''] = process.argv;
const closers: (() => void)[] = [];
const stage = new Stage(
  { after: (close: () => void) => void closers.push(close) } as unknown as TestContext,
  directory,
);
stage.answer = ({ delivered }) => (delivered.toString() === 'a chain' ? accepted : refusal('NL-LEAF-PARSE'));
mkdirSync(join(directory, 'inbox'), { recursive: true });
await stage.start();
await stage.pass(2_000);
const first = stage.asks.length;
await stage.pass(10_000);
writeFileSync(1, JSON.stringify({ first, events: stage.events, messages: stage.logged.map(({ message }) => message) }));
await stage.inbox?.close();
process.exit();
