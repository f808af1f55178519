import { printable } from '../../agent/cli/kit/screen.ts';
import { carryOut } from './change.ts';
import { type Call, only } from './command.ts';
import type { Status } from './dps.ts';
import { Hub, type Identity } from './hub.ts';

export function identityText({ deviceId, status, connected, primary, secondary }: Identity): string {
  return [
    `Identity ${printable(deviceId)} in the hub`,
    `    status     ${status}, ${connected ? 'connected' : 'not connected'}`,
    `    primary    ${primary ?? '(none)'}`,
    `    secondary  ${secondary ?? '(none)'}`,
    '',
  ].join('\n');
}

/** The present state, and the change. */
const becomes = (identity: Identity, what: string): string => `${identityText(identity)}  -> ${what}\n`;

/** `enroll forget DEVICE` */
export async function forget(call: Call): Promise<number> {
  const hub = await Hub.open(call);
  const deviceId = only(call);
  return carryOut(call, {
    shown: becomes(await hub.get(deviceId), 'deleted, with its twin'),
    question: `Delete ${deviceId} from the hub?`,
    act: () => hub.remove(deviceId),
    done: `The hub no longer knows ${deviceId}, and has ended its session. It makes the identity again when DPS admits the device.`,
  });
}

/** `enroll disable-identity DEVICE`, `enroll enable-identity DEVICE` */
export function setIdentity(status: Status): (call: Call) => Promise<number> {
  return async (call) => {
    const hub = await Hub.open(call);
    const deviceId = only(call);
    const disabled = `The hub no longer lets ${deviceId} in, and has ended its session. DPS may still assign it.`;
    return carryOut(call, {
      shown: becomes(await hub.get(deviceId), status),
      question: status === 'disabled' ? `Disable ${deviceId} in the hub?` : undefined,
      act: () => hub.setStatus(deviceId, status),
      done: status === 'disabled' ? disabled : `The hub lets ${deviceId} in again.`,
    });
  };
}
