import { relative } from 'node:path';

/** A reporter of node:test: a line for each test that failed, which is not a suite with such a test. */
export default async function* failed(events) {
  for await (const { type, data } of events) {
    const error = data?.details?.error;
    if (type !== 'test:fail' || data.todo !== undefined || error?.failureType === 'subtestsFailed') continue;
    yield `${data.file === undefined ? '' : relative('.', data.file)} :: ${data.name.replaceAll('\n', ' ')}\n`;
  }
}
