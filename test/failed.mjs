import { relative } from 'node:path';

/** Of a line: often it is all that is left of a run, and half of a word is better than none. */
const LONGEST = 600;

/**
 * A reporter of node:test: a line with each test that failed, which is not a suite with such a test, and why. A test that a
 * helper declares (as-others.ts) is of the file that test/together.ts runs.
 */
export default async function* failed(events) {
  let running = '';
  for await (const { type, data } of events) {
    if (type === 'test:start' && data.nesting === 0) running = data.name;
    const error = data?.details?.error;
    if (type !== 'test:fail' || error?.failureType === 'subtestsFailed') continue;
    const file = relative('.', data.file ?? '');
    const isOfHelper = !file.endsWith('.test.ts') && running.endsWith('.test.ts');
    const { message = '' } = error?.cause ?? error ?? {};
    const words = [data.name, ...(message ? [message] : [])].map((one) => one.replaceAll(/\s+/g, ' ').trim());
    yield `${isOfHelper ? running : file} :: ${words.join(' :: ').slice(0, LONGEST)}\n`;
  }
}
