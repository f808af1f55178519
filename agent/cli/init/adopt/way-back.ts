import { readFileSync } from 'node:fs';
import type { Leaf } from '../../../roll/leaf.ts';
import { adoptedFile } from '../../../state/adopted.ts';
import type { DaemonWatch } from '../watch.ts';

/** Where the gateway serves with the leaf that it had before newleaf: how long the way back is open, and what ends it. */
export function tellWayBack({ dialogue, stateDirectory }: DaemonWatch, { key, chain }: Leaf): void {
  const isImported = key.slot === 'a' && chain === adoptedIn(stateDirectory);
  if (key.slot !== 'given' && !isImported) return;
  dialogue.blank();
  const file = isImported ? ' Delete the file of the old key after that: newleaf deletes only what it has made.' : '';
  dialogue.say(
    `It serves with the leaf that it had before. The way back is to stop newleaf and start the old program. The first roll ends that, with a key that was made in the token: \`sudo newleaf roll --wait\`, once the daemon runs.${file}`,
  );
}

function adoptedIn(directory: string): string | undefined {
  try {
    return readFileSync(adoptedFile(directory), 'utf8');
  } catch {
    return undefined;
  }
}
