import { createInterface } from 'node:readline/promises';

/** What the person at the terminal says. At Ctrl-D, or without a terminal, the question itself stays pending: that is a no. */
export async function agreed(): Promise<'yes' | 'no' | 'interrupted'> {
  const person = createInterface({ input: process.stdin, output: process.stdout });
  const interrupted = new Promise<'interrupted'>((resolve) => person.once('SIGINT', () => resolve('interrupted')));
  const closed = new Promise<'no'>((resolve) => person.once('close', () => resolve('no')));
  const typed = person.question('\nGo on? [y/N] ').then(
    (words) => (/^y/i.test(words) ? 'yes' : 'no'),
    () => 'no' as const,
  );
  const answer = await Promise.race([typed, closed, interrupted]);
  person.close();
  return answer;
}
