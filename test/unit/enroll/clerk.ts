import { createInterface } from 'node:readline';
import { onPaper } from './paper.ts';

/** Runs one command line of the tool for each line that comes in, and answers with one line. See office.ts. */
const own = process.env;
for await (const line of createInterface(process.stdin)) {
  const { argv, setting } = JSON.parse(line);
  process.env = setting.isWhole ? { ...setting.env } : own;
  const told = await onPaper(argv, setting).catch((error) => ({ code: -1, out: '', err: String(error.stack) }));
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  console.log(JSON.stringify({ ...told, cpuMs: (userCPUTime + systemCPUTime) / 1_000, peakMib: maxRSS / 1_024 }));
}
