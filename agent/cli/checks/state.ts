import { join } from 'node:path';
import { clashOf, neighboursOf } from '../../config/neighbours.ts';
import { isFull, MAKE_ROOM, REMOUNT } from '../../machine/room.ts';
import { wordsOf } from '../../roll/report.ts';
import type { Site } from '../proof/site.ts';
import { bytesInWords } from '../uplink/words.ts';
import { type Check, type Finding, failed, obstacleAt, ok, toChange, warning } from './check.ts';

const SCARCE = { bytes: 1024 * 1024, files: 32 };
const OF_STATE = {
  code: 'NL-STATE-WRITE',
  remount: REMOUNT,
  give: (user: string, directory: string) => `\`chown -R ${user}: ${directory}\``,
} as const;

async function stateDirectory(site: Site): Promise<Finding> {
  const { directory } = (await site.config()).config.state;
  if ((await site.mode(directory)) === 'absent') return ok(`There is no ${directory} yet: newleaf makes it.`);
  const obstacle = await obstacleAt(site, directory, OF_STATE);
  if (obstacle !== undefined) return obstacle;
  const room = await site.room(directory);
  const { bytes, files } = room;
  const left = `${bytesInWords(bytes)}${files === Number.POSITIVE_INFINITY ? '' : ` and ${files} files`}`;
  if (isFull(room)) {
    return failed('NL-STATE-WRITE', `The file system of ${directory} is full: ${left} are left.`, MAKE_ROOM);
  }
  const message = `${directory} can be written, with room for ${left}.`;
  return bytes < SCARCE.bytes || files < SCARCE.files ? warning(message, MAKE_ROOM) : ok(message);
}

export const STATE_CHECKS: readonly Check[] = [
  {
    id: 'configuration',
    describes: 'The configuration is complete, and every value makes sense.',
    needs: [],
    async look(site) {
      const { file, config, effective } = await site.config();
      const clash = clashOf(config, neighboursOf(file));
      if (clash !== undefined) return { ...warning(clash, ''), ...toChange('Change it in one of the two') };
      return ok(
        `${file} is in order, with ${effective.filter(({ line, variable }) => (line ?? variable) !== undefined).length} settings.`,
      );
    },
  },
  {
    id: 'state-file',
    describes: 'The state file is whole, or there is none yet.',
    needs: ['configuration'],
    async look(site) {
      const { dps, state } = (await site.config()).config;
      const entry = await site.entry();
      const path = join(state.directory, 'state.json');
      if (entry === 'absent') return ok(`There is no ${path}: this gateway is new, or was given up.`);
      return ok(`${path} is whole: ${wordsOf(entry.phase, dps.attestation)}.`);
    },
  },
  {
    id: 'state-directory',
    describes: 'The state directory can be written, and has room.',
    needs: ['configuration'],
    look: stateDirectory,
  },
  {
    id: 'inbox',
    describes: 'newleaf can take a leaf out of the inbox.',
    of: 'x509',
    needs: ['state-directory'],
    async look(site) {
      const directory = join((await site.config()).config.state.directory, 'inbox');
      if ((await site.mode(directory)) === 'absent') return ok(`There is no ${directory} yet: the daemon makes it.`);
      return (await obstacleAt(site, directory, OF_STATE)) ?? ok(`Leaves can be put into ${directory}.`);
    },
  },
];
