import { readFile } from 'node:fs/promises';
import { standardOf } from '../../config/draft.ts';
import { dial, Unreached } from '../checks/dial.ts';
import { adviceFor, distrusted } from '../checks/reach.ts';
import type { Guide } from './guide.ts';

/** Whether DPS can be reached and is trusted, without any certificate of ours; prints the finding. */
export async function reachDps(guide: Guide): Promise<'trusted' | 'untrusted' | 'unreached'> {
  const { dialogue, answers } = guide;
  const file = answers.text('trust.ca_file') ?? String(standardOf('trust.ca_file'));
  let ca: string;
  try {
    ca = await readFile(file, 'utf8');
  } catch (error) {
    dialogue.wrong({ message: `${file} cannot be read: ${error instanceof Error ? error.message : error}.` });
    return 'untrusted';
  }
  try {
    const dialled = await dial(endpointOf(guide), ca);
    if (dialled.distrust !== undefined) {
      dialogue.wrong(distrusted(dialled, { host: endpointOf(guide), caFile: file, side: 'DPS' }));
      return 'untrusted';
    }
    dialogue.ok(`DPS answers at ${dialled.address} port ${dialled.port}, and is trusted.`);
    return 'trusted';
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    dialogue.wrong({
      code: 'NL-DPS-UNREACHABLE',
      message: error.message,
      advice: adviceFor(error, 'the DPS endpoint'),
    });
    return 'unreached';
  }
}

const endpointOf = ({ answers }: Guide): string => answers.text('dps.endpoint') ?? String(standardOf('dps.endpoint'));
