import { change } from './change.ts';
import { type Call, only } from './command.ts';
import { Dps } from './dps.ts';
import type { Kind } from './enrollment.ts';
import { NAME } from './name.ts';

/** `enroll delete individual ID`, `enroll delete group NAME` */
export function deleteEnrollment(kind: Kind): (call: Call) => Promise<number> {
  return async (call) => {
    const dps = await Dps.open(call);
    const before = await dps.get(kind, only(call));
    const { id, body } = before;
    const device = kind === 'individual' ? String(body.deviceId ?? id) : 'DEVICE';
    const still = `A hub that knows its leaf still lets it in: ${NAME} forget ${device}`;
    return change(call, dps, {
      before,
      question:
        kind === 'individual'
          ? `Delete the enrollment of ${id}? It can register only as a member of a group then.`
          : `Delete the group ${id}? Its members cannot register then, unless they have an enrollment of their own.`,
      done:
        kind === 'individual'
          ? `DPS no longer has an enrollment of ${id}. ${still}`
          : `DPS no longer has the group ${id}. Its members serve on until they must register. ${still}`,
    });
  };
}
