import assert from 'node:assert/strict';
import type { Ended } from '../stage/gateway.ts';

/** What differs from run to run, by what it is. */
const settled = (text: string): string =>
  text
    .replaceAll(/(1970-01-11) \d\d:\d\d/g, '$1 <minute>')
    .replaceAll(/20\d\d-\d\d-\d\d \d\d:\d\d/g, '<moment>')
    .replaceAll(/tracking ID [0-9a-f-]{36}/g, 'tracking ID <id>')
    .replaceAll(/\(serial [0-9a-f]{16}\)/g, '(serial <serial>)')
    .replaceAll(/\/\S*newleaf-disk-\w+\//g, '<disk>/')
    .replaceAll(/\d+ files are/g, '<n> files are')
    // A busy machine looks a minute or two later.
    .replaceAll(/expired 6[0-2] min ago/g, 'expired about 60 min ago')
    .replaceAll(/asks again by itself in [3-5] min\./g, 'asks again by itself in about 5 min.')
    // Whoever is first to tell the time.
    .replaceAll(/ by localhost:\d+/g, ' by <server>')
    // Why an IPv6 address is not reached depends on the machine.
    .replaceAll(/(2001:db8::1 port \d+ cannot be reached): [^"\n]*\.(?=["\n])/g, '$1: <reason>.');

/** What is red, as a person sees it: `id CODE what is wrong → what to do`. */
export function redIn({ out }: Ended): readonly string[] {
  const lines = settled(out).split('\n');
  return lines.flatMap((line, at) => {
    const [, id, found] = /^failed {3}(\S+) +(\S.*)$/.exec(line) ?? [];
    const [, next] = /^ +(?:→|->) (.*)$/.exec(lines[at + 1] ?? '') ?? [];
    return id === undefined ? [] : [`${id} ${found} → ${next ?? 'NOTHING TO DO'}`];
  });
}

/** The same of `--json`. */
export function redInJson({ out }: Ended): readonly string[] {
  const { checks } = JSON.parse(settled(out)) as { checks: readonly Readonly<Record<string, string>>[] };
  return checks
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ id, code, message, advice }) => `${id} ${code} ${message} → ${advice}`);
}

/** Asserts that check is red with these lines, and no others. */
export function assertRed(ended: Ended, expected: readonly string[]): void {
  assert.deepEqual(redIn(ended), expected, ended.out + ended.err);
  const isConfiguration = expected.some((line) => line.startsWith('configuration '));
  const code = isConfiguration ? 2 : expected.length > 0 ? 1 : 0;
  assert.equal(ended.code, code, ended.out + ended.err);
  assert.equal(ended.err, '');
}
