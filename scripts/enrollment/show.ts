import { Failed } from '../../agent/cli/kit/command.ts';
import { printable } from '../../agent/cli/kit/screen.ts';
import { type Call, only } from './command.ts';
import { connectionTo } from './connection.ts';
import { Dps } from './dps.ts';
import { Hub } from './hub.ts';
import { identityText } from './identity.ts';
import { shown } from './screen.ts';

/** `enroll show device ID`: what DPS and, where there is a connection string, the hub know. */
export async function showDevice(call: Call): Promise<number> {
  const { desk } = call;
  const id = only(call);
  const dps = await Dps.open(call);
  const [enrollment, registration] = await Promise.all([dps.find('individual', id), dps.registration(id)]);
  const parts = [
    enrollment === undefined
      ? `No individual enrollment ${printable(id)}: at most a group admits it.\n`
      : shown(enrollment),
    registration === undefined
      ? `Not registered with DPS.\n`
      : safeLines(
          `Registered ${registration.lastUpdatedDateTimeUtc}, assigned to ${registration.assignedHub} as ${registration.deviceId}`,
        ),
  ];
  let found = enrollment !== undefined || registration !== undefined;
  if (connectionTo(call, 'hub') !== undefined) {
    const hub = await Hub.open(call);
    const deviceId = registration?.deviceId ?? String(enrollment?.body.deviceId ?? id);
    const identity = await hub.find(deviceId);
    parts.push(identity === undefined ? `No identity ${printable(deviceId)} in this hub.\n` : identityText(identity));
    found ||= identity !== undefined;
  }
  if (!found) throw new Failed(`Nobody knows "${id}".`);
  desk.out.write(parts.join('\n'));
  return 0;
}

/** `enroll show group NAME` */
export async function showGroup(call: Call): Promise<number> {
  const dps = await Dps.open(call);
  call.desk.out.write(shown(await dps.get('group', only(call))));
  return 0;
}

const safeLines = (text: string): string => `${printable(text)}\n`;
