import { relative, resolve } from 'node:path';
import { after, describe } from 'node:test';
import { pathToFileURL } from 'node:url';

/**
 * Runs test files one after the other in this process, each as a suite of its own:
 *   node --import tsx --test-reporter=spec test/together.ts FILE…
 */
for (const file of process.argv.slice(2)) {
  describe(relative('.', file), () => import(pathToFileURL(resolve(file)).href));
}

// What a test waits for does not always keep a process alive: a lock, for one.
const alive = setInterval(() => undefined, 60_000);
after(() => clearInterval(alive));
