import { relative } from 'node:path';

/**
 * A reporter of node:test: a line for each test that failed, which is not a suite with such a test. A test that a helper declares
 * (as-others.ts) is of the file that test/together.ts runs.
 */
export default async function* failed(events) {
  let running = '';
  for await (const { type, data } of events) {
    if (type === 'test:start' && data.nesting === 0) running = data.name;
    const error = data?.details?.error;
    if (type !== 'test:fail' || error?.failureType === 'subtestsFailed') continue;
    const file = relative('.', data.file ?? '');
    const isOfHelper = !file.endsWith('.test.ts') && running.endsWith('.test.ts');
    yield `${isOfHelper ? running : file} :: ${data.name.replaceAll('\n', ' ')}\n`;
  }
}
