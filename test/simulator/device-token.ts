import type { IConnectPacket } from 'mqtt-packet';
import { sasRefusal } from './rest/sas.ts';

/**
 * Why the token in the password of a device does not let it in, or undefined where it does. It is signed for
 * `{hubhost}/devices/{deviceId}`, without a policy (iot-hub-dev-guide-sas).
 * @param key base64
 */
export function tokenRefusal(connect: IConnectPacket, key: string, now: number): string | undefined {
  const { clientId, username = '' } = connect;
  const host = `${username.slice(0, username.indexOf('/'))}/devices/${clientId}`.toLowerCase();
  return sasRefusal(tokenOf(connect), { host, policy: '', key }, now);
}

/** When the token of a device ends, in milliseconds since the epoch. */
export function tokenEnd(connect: IConnectPacket): number {
  return Number(/[& ]se=(\d+)/.exec(tokenOf(connect))?.[1]) * 1_000;
}

const tokenOf = ({ password }: IConnectPacket): string => password?.toString() ?? '';
