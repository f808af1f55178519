import { neighbours } from './neighbours.ts';
import type { Node, Pair } from './pair.ts';

const ROLL = ['connect true', 'roll', 'generate-key true', 'request-leaf true'] as const;
const BY_PERSON = ['connect true', 'csr', 'generate-key true', 'leaf delivered for key of the candidate'] as const;
const SILENT = 'register NL-DPS-UNREACHABLE, and it was done';

/**
 * Stories from which the walk goes on at each step: what lies at their end is far from the first pair. The first are those of
 * every roll; the others are where the walk has found faults.
 */
const STORIES: readonly (readonly string[])[] = [
  [...ROLL, 'register true', 'connect true'],
  [...BY_PERSON, 'register true', 'connect true'],
  [...ROLL, 'register true', 'connect NL-HUB-REJECTED, for long', 'the session ends after a day', 'register true'],
  [...ROLL, 'register true', 'connect NL-HUB-UNREACHABLE, for long'],
  // The next candidate takes the place of one that DPS may trust.
  [...ROLL, SILENT, 'leaf delivered for key of the current leaf', 'power cut'],
  [...BY_PERSON, SILENT, 'leaf delivered for key of the current leaf', 'power cut'],
  // A leaf that was on its way before a power cut.
  [...ROLL, 'register, power cut', 'register NL-TOKEN-FAILED', 'roll --discard'],
  [...ROLL, 'roll --discard', 'register true', 'register true'],
  [...ROLL, 'the session ends after a day', 'connect NL-HUB-REJECTED', 'register true', 'register true'],
  // Neither DPS nor the hub answers.
  ['connect NL-HUB-UNREACHABLE, for long', 'leaf delivered for key of the current leaf', 'register NL-DPS-UNREACHABLE'],
  ['connect true', 'enrollment disabled', 'the session ends after a day', 'connect NL-HUB-REJECTED', 'register true'],
  // The key of the current leaf fails.
  ['connect NL-TOKEN-FAILED, for long', 'generate-key true', 'request-leaf true', 'register true'],
  ['connect true', 're-register', 'register NL-TOKEN-FAILED, for long', 'generate-key true', 'request-leaf true'],
  // A leaf that only a person brings expires in the request that it began.
  ['connect true', 'leaf delivered for key of the current leaf', 'every leaf expires', 'csr'],
];

/** The pairs of a story, one for each event, as far as it goes. */
function* told(from: Node, names: readonly string[]): Generator<Node> {
  let node = from;
  for (const name of names) {
    const found = after(node, name);
    if (found === undefined) return;
    node = { ...found, via: name, from: node };
    yield node;
  }
}

function after(node: Node, name: string): Pair | undefined {
  for (const [via, pair] of neighbours(node, {})) if (via === name) return pair;
  return undefined;
}

export const alongStories = (from: Node): readonly Node[] => STORIES.flatMap((names) => [...told(from, names)]);
