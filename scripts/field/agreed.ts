import { createInterface } from 'node:readline/promises';

/** Whether the person at the terminal says yes. At Ctrl-C and Ctrl-D the question itself stays pending: that is a no. */
export async function agreed(): Promise<boolean> {
  const person = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new Promise<string>((resolve) => person.once('close', () => resolve('')));
  const answer = await Promise.race([person.question('\nGo on? [y/N] ').catch(() => ''), closed]);
  person.close();
  return /^y/i.test(answer);
}
