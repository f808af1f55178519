import { readFile } from 'node:fs/promises';
import { type Dialled, dial, Unreached } from '../cli/checks/dial.ts';
import { standardOf } from '../config/draft.ts';
import { CODES } from '../roll/failure.ts';
import type { Guide } from './guide.ts';
import { endpointOf } from './identity.ts';

/** Whether DPS can be reached and is trusted, without any certificate of ours; what is found is said. */
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
    if (dialled.distrust !== undefined) return untrusted(guide, dialled, file);
    dialogue.ok(`DPS answers at ${dialled.address} port ${dialled.port}, and is trusted.`);
    return 'trusted';
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    dialogue.wrong({ code: 'NL-DPS-UNREACHABLE', message: error.message, advice: CODES['NL-DPS-UNREACHABLE'].advice });
    return 'unreached';
  }
}

function untrusted({ dialogue }: Guide, { issuer, distrust }: Dialled, file: string): 'untrusted' {
  dialogue.wrong({
    code: 'NL-DPS-UNTRUSTED',
    message: `DPS shows a certificate issued by ${issuer}, which ${file} does not vouch for (${distrust}).`,
    advice:
      'Is the clock right (`timedatectl`)? Is there a proxy that inspects TLS? Or is it a DPS with a CA of its own?',
  });
  return 'untrusted';
}
