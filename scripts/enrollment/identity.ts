import { printable } from '../../agent/cli/kit/screen.ts';
import { carryOut } from './change.ts';
import { type Call, only } from './command.ts';
import type { Status } from './enrollment.ts';
import { Hub } from './hub.ts';
import type { Identity } from './hub-answers.ts';

export function identityText({ deviceId, status, connected, primary, secondary, byCa }: Identity): string {
  const held = [`    primary    ${primary ?? '(none)'}`, `    secondary  ${secondary ?? '(none)'}`];
  return [
    `Identity ${printable(deviceId)} in the hub`,
    `    status     ${status}, ${connected ? 'connected' : 'not connected'}`,
    ...(byCa ? ['    leaf       any of its CA, which the hub trusts'] : held),
    '',
  ].join('\n');
}

/** The present state, and the change. */
const becomes = (identity: Identity, what: string): string => `${identityText(identity)}  -> ${what}\n`;

/** `enroll forget DEVICE` */
export async function forget(call: Call): Promise<number> {
  const hub = await Hub.open(call);
  const deviceId = only(call);
  const [identity, twin] = await Promise.all([hub.get(deviceId), hub.twin(deviceId)]);
  const tags = JSON.stringify(twin?.tags ?? {});
  const hasTags = tags !== '{}';
  return carryOut(call, {
    shown: `${becomes(identity, 'deleted, with its twin')}${hasTags ? `  -> without these tags, also when it is back: ${printable(tags)}\n` : ''}`,
    question: `Delete ${deviceId} from the hub${hasTags ? ', with its tags' : ''}?`,
    act: () => hub.remove(deviceId),
    done: `The hub no longer knows ${deviceId}, and has ended its session. It makes the identity again when DPS admits the device.${hasTags ? again(hub, deviceId, tags) : ''}`,
  });
}

/** No command of enroll writes tags: they are the operator's own. */
function again({ host }: Hub, deviceId: string, tags: string): string {
  const [name] = host.split('.');
  const quoted = printable(tags).replaceAll("'", "'\\''");
  return `
Its tags are gone. Until they are set again, no condition with tags finds it. When it is back:
  az iot hub device-twin update --hub-name ${name} --device-id ${deviceId} --tags '${quoted}'`;
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
