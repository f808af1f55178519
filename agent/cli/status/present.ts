import { askSocket } from '../../control/client.ts';
import { Fault } from '../../failure/failure.ts';
import type { Status } from '../../roll/report.ts';
import type { UplinkTold } from '../uplink/told.ts';

/** The status of the gateway: that of its leaf, and of the programs that send through newleaf. */
export interface GatewayStatus extends Status {
  /** Absent where there are no programs. */
  readonly uplink?: UplinkTold;
}

/** @throws Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED, NL-CONTROL-BUSY */
export async function askStatus(socket: string): Promise<GatewayStatus> {
  const { status, body } = await askSocket(socket, 'GET', '/v1/status', undefined, 10_000);
  if (status === 200) {
    const told = body as GatewayStatus;
    // A daemon that was not restarted since the update says only what it met last.
    const { wrong = told.trouble === undefined ? [] : [told.trouble] } = told as Partial<GatewayStatus>;
    return { ...told, wrong };
  }
  throw new Fault('NL-INTERNAL', {
    message: `The daemon answered ${status} to a question for its status.`,
    cause: JSON.stringify(body),
  });
}

/** The status; or the Fault, where the daemon is away or busy. @throws Fault NL-CONTROL-DENIED, NL-INTERNAL */
export async function present(socket: string): Promise<GatewayStatus | Fault> {
  try {
    return await askStatus(socket);
  } catch (error) {
    if (error instanceof Fault && ['NL-DAEMON-DOWN', 'NL-CONTROL-BUSY'].includes(error.failure.code)) return error;
    throw error;
  }
}
