import { Failed } from '../../agent/cli/kit/command.ts';
import { printable } from '../../agent/cli/kit/screen.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { type Call, only } from './command.ts';
import { connectionTo } from './connection.ts';
import { Dps, type Registration } from './dps.ts';
import { Hub } from './hub.ts';
import { identityText } from './identity.ts';
import { shown } from './screen.ts';

/** `enroll show device ID`: the records of DPS and, where there is a connection string, of the hub. */
export async function showDevice(call: Call): Promise<number> {
  const id = only(call);
  const dps = await Dps.open(call);
  const [enrollment, registration] = await Promise.all([dps.find('individual', id), dps.registration(id)]);
  const parts = [
    enrollment === undefined
      ? `No individual enrollment ${printable(id)}: at most a group admits it.\n`
      : shown(enrollment),
    registration === undefined ? `Not registered with DPS.\n` : `${registered(registration)}\n`,
  ];
  let found = enrollment !== undefined || registration !== undefined;
  if (connectionTo(call, 'hub') !== undefined) {
    const hub = await Hub.open(call);
    const deviceId = registration?.deviceId ?? String(enrollment?.body.deviceId ?? id);
    const identity = await hub.find(deviceId);
    parts.push(identity === undefined ? `No identity ${printable(deviceId)} in this hub.\n` : identityText(identity));
    found ||= identity !== undefined;
  }
  if (!found) throw new Failed(`"${id}" is not known.`);
  call.desk.out.write(parts.join('\n'));
  return EXIT.done;
}

/** `enroll show group NAME` */
export async function showGroup(call: Call): Promise<number> {
  const dps = await Dps.open(call);
  call.desk.out.write(shown(await dps.get('group', only(call))));
  return EXIT.done;
}

const registered = ({ lastUpdatedDateTimeUtc: at, assignedHub, deviceId }: Registration): string =>
  printable(`Registered ${at}, assigned to ${assignedHub} as ${deviceId}`);
