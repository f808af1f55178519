import { EXIT } from '../../agent/failure/exit.ts';
import { change } from './change.ts';
import type { Call } from './command.ts';
import { Dps } from './dps.ts';
import { anyNamed } from './edit.ts';
import { policyOf } from './enrollment.ts';
import { withPems } from './given.ts';
import { NAME } from './name.ts';
import { INDIVIDUAL, ISSUES, type IssuingPolicy, readPolicy, samePolicy, withPolicy } from './policy.ts';

/** `enroll set-policy ID NS/CA/POLICY` */
export async function setPolicy(call: Call): Promise<number> {
  const [, text = ''] = call.positionals;
  return write(call, readPolicy(text));
}

/** `enroll remove-policy ID` */
export const removePolicy = (call: Call): Promise<number> => write(call, undefined);

async function write(call: Call, policy: IssuingPolicy | undefined): Promise<number> {
  const dps = await Dps.open(call);
  const before = await anyNamed(call, dps);
  const { kind, id, slots, body } = before;
  if (samePolicy(policyOf(before), policy)) {
    call.desk.out.write(`The enrollment of ${id} is so already.\n`);
    return EXIT.done;
  }
  const after = { ...before, slots: await withPems(slots, call), body: withPolicy(body, policy) };
  if (policy === undefined) {
    return change(call, dps, {
      before,
      after,
      question: `Have DPS issue no more leaves for ${id}? Those that are there serve until they end, and may still be renewed over the hub.`,
      done: `DPS issues no more leaves for ${id}. Give its gateways another issuer before theirs end: ${NAME} list devices --days 30`,
    });
  }
  return change(call, dps, {
    before,
    after,
    question: kind === 'individual' ? INDIVIDUAL : undefined,
    done: `Done.${ISSUES(policy)} Leaves of another policy serve until they are renewed.`,
  });
}
