import { EXIT } from '../../failure/exit.ts';
import type { Trouble } from '../../roll/report.ts';
import { needsAction } from '../../roll/wrong.ts';
import { troublesOf } from '../uplink/words.ts';
import type { GatewayStatus } from './present.ts';

/** All that is wrong: what the daemon says of itself, then the troubles of the programs. */
export const wrongOf = ({ wrong, uplink }: GatewayStatus): readonly Trouble[] =>
  uplink === undefined ? wrong : [...wrong, ...troublesOf(uplink)];

/** 4 a person is needed · 0 online, or at work, and there is nothing to do · 1 everything else. */
export function exitOfStatus(status: GatewayStatus): number {
  const { person, trouble, online, phase } = status;
  const codes = wrongOf(status).map(({ code }) => code);
  if (person || codes.includes('NL-ISSUER-PERSON')) return EXIT.person;
  if (codes.some(needsAction)) return EXIT.failed;
  const atWork = phase !== 'serving' && phase !== 'unprovisioned';
  return online || (atWork && trouble === undefined) ? EXIT.done : EXIT.failed;
}
