import { Failed, textOption } from '../../agent/cli/kit/command.ts';
import { printable } from '../../agent/cli/kit/screen.ts';
import { type Call, only } from './command.ts';
import { agreed } from './desk.ts';
import type { Status } from './dps.ts';
import { Hub, type Identity } from './hub.ts';

/** An identity of the hub, as it is. */
export function identityText({ deviceId, status, connected, primary, secondary }: Identity): string {
  return [
    `Identity ${printable(deviceId)} in the hub`,
    `    status     ${status}, ${connected ? 'connected' : 'not connected'}`,
    `    primary    ${primary ?? '(none)'}`,
    `    secondary  ${secondary ?? '(none)'}`,
    '',
  ].join('\n');
}

interface Plan {
  readonly deviceId: string;
  readonly hub: Hub;
  readonly becomes: string;
  /** Asked where something is destroyed. */
  readonly question?: string;
  readonly act: () => Promise<unknown>;
  readonly done: string;
}

async function carryOut(
  { desk, manner }: Call,
  { deviceId, hub, becomes, question, act, done }: Plan,
): Promise<number> {
  desk.out.write(`${identityText(await hub.get(deviceId))}  ${becomes}\n\n`);
  if (manner.dryRun) {
    desk.out.write('Nothing was changed (--dry-run).\n');
    return 0;
  }
  if (question !== undefined && !(await agreed(desk, manner, question))) {
    throw new Failed('Nothing was changed.');
  }
  await act();
  desk.out.write(`${done}\n`);
  return 0;
}

const open = (call: Call): Promise<Hub> => Hub.open(call.desk, textOption(call, 'hub'));

/** `enroll forget DEVICE` */
export async function forget(call: Call): Promise<number> {
  const hub = await open(call);
  const deviceId = only(call);
  return carryOut(call, {
    deviceId,
    hub,
    becomes: '-> deleted, with its twin',
    question: `Delete ${deviceId} from the hub?`,
    act: () => hub.remove(deviceId),
    done: `The hub knows ${deviceId} no more, and has ended its session. Whatever DPS admits, it makes again.`,
  });
}

/** `enroll disable-identity DEVICE`, `enroll enable-identity DEVICE` */
export function setIdentity(status: Status): (call: Call) => Promise<number> {
  return async (call) => {
    const hub = await open(call);
    const deviceId = only(call);
    const disabled = `The hub lets ${deviceId} in no more, and has ended its session. DPS may still assign it.`;
    return carryOut(call, {
      deviceId,
      hub,
      becomes: `-> ${status}`,
      ...(status === 'disabled' && { question: `Disable ${deviceId} in the hub?` }),
      act: () => hub.setStatus(deviceId, status),
      done: status === 'disabled' ? disabled : `The hub lets ${deviceId} in again.`,
    });
  };
}
