import { after, before, type TestContext } from 'node:test';

/** undefined: there is no such variable. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Sets variables of this process. @returns what puts them back */
export function setEnvironment(variables: Variables): () => void {
  const kept = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  put(variables);
  return () => put(kept);
}

function put(variables: Variables): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/** Variables for one call: a child gets the environment as it is at the moment when it is started. */
export function inEnvironment<T>(variables: Variables, call: () => T): T {
  const putBack = setEnvironment(variables);
  try {
    return call();
  } finally {
    putBack();
  }
}

/** Variables for a test; without one, for all tests of the file or the suite that calls it, from its first to its last. */
export function withEnvironment(variables: Variables, t?: Pick<TestContext, 'after'>): void {
  if (t !== undefined) {
    t.after(setEnvironment(variables));
    return;
  }
  let putBack: (() => void) | undefined;
  before(() => {
    putBack = setEnvironment(variables);
  });
  after(() => putBack?.());
}

/** A umask for a test. */
export function withUmask(mask: number, t: Pick<TestContext, 'after'>): void {
  const kept = process.umask(mask);
  t.after(() => void process.umask(kept));
}
