import { setTimeout as pause } from 'node:timers/promises';
import { Interrupted, terminalPrompt } from '../../../agent/cli/kit/prompt.ts';

/** Asks as init does, with some work between two questions; for prompt.test.ts. */
const prompt = terminalPrompt(process.stdin, process.stdout);
process.once('SIGINT', () => {
  process.stdout.write('Stopped.\n');
  process.exit(1);
});
prompt.hold();
// After the prompt has met the signal.
process.on('SIGCONT', () => setImmediate(() => process.stdout.write('going on\n')));
try {
  const line = await prompt.ask('Name: ', 'line');
  process.stdout.write('working\n');
  // The test types until it has seen enough.
  while (process.env.WORK_MS !== undefined) await pause(Number(process.env.WORK_MS));
  const secret = await prompt.ask('Password: ', 'secret');
  prompt.release();
  process.stdout.write(`got ${line} and ${secret.length} characters\n`);
} catch (error) {
  if (!(error instanceof Interrupted)) throw error;
  process.stdout.write('Interrupted.\n');
  process.exitCode = 1;
}
