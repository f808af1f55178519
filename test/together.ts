import { AsyncResource } from 'node:async_hooks';
import { relative, resolve } from 'node:path';
import { after, before, beforeEach, describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Watch } from './clean.ts';

/**
 * Runs test files one after the other in this process, each as a suite of its own, and fails for one that leaves the process
 * other than it was:
 *   node --import tsx --test-reporter=spec test/together.ts FILE…
 */
let loaded: Promise<unknown> = Promise.resolve();
for (const path of process.argv.slice(2)) {
  const file = relative('.', path);
  describe(file, () => {
    // The suite that tests and hooks belong to is found by the asynchronous context: that of the file before would stay.
    const inSuite = new AsyncResource(file);
    const load = async () => {
      const watch = new Watch(file);
      beforeEach(({ name }) => watch.begins(name));
      await import(pathToFileURL(resolve(path)).href);
      watch.ends();
      // The last hook of the file.
      inSuite.runInAsyncScope(() => after(() => watch.ends()));
    };
    const own = loaded.then(() => inSuite.runInAsyncScope(load));
    loaded = own.catch(() => undefined);
    return own;
  });
}

// No test of one begins while another is loaded.
before(() => loaded);

// What a test waits for does not always keep a process alive: a lock, for one.
const alive = setInterval(() => undefined, 60_000);
after(() => clearInterval(alive));
