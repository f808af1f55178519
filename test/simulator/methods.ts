import { randomBytes } from 'node:crypto';
import type { MqttLink } from './mqtt-link.ts';

export interface MethodAnswer {
  readonly status: number;
  readonly payload: unknown;
}

/** What the service side says of a method that did not reach its end; codes of iot-hub/troubleshoot-error-codes. */
export class MethodError extends Error {
  override readonly name = 'MethodError';
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(`${errorCode} ${message}`);
    this.errorCode = errorCode;
  }
}

interface Pending {
  readonly link: MqttLink;
  readonly settle: (answer: MethodAnswer | MethodError) => void;
}

/** The direct methods in flight of one hub. */
export class Methods {
  readonly #pending = new Map<string, Pending>();

  /** `sent` is told when the request has gone out. */
  call(
    link: MqttLink | undefined,
    deviceId: string,
    name: string,
    payload: unknown,
    timeoutMs: number,
    sent: () => void,
  ): Promise<MethodAnswer> {
    const rid = randomBytes(4).toString('hex');
    // "A valid JSON or an empty body" (iot-hub-devguide-direct-methods).
    const body = payload === undefined ? '' : JSON.stringify(payload);
    if (!link?.publish(`$iothub/methods/POST/${name}/?$rid=${rid}`, body)) {
      return Promise.reject(new MethodError(404103, `DeviceNotOnline: ${deviceId}`));
    }
    sent();
    return new Promise((resolve, reject) => {
      const timeout = new MethodError(504101, `GatewayTimeout: ${deviceId} did not answer in ${timeoutMs} ms`);
      const timer = setTimeout(() => this.#settle(rid, timeout), timeoutMs);
      const settle = (answer: MethodAnswer | MethodError): void => {
        clearTimeout(timer);
        answer instanceof MethodError ? reject(answer) : resolve(answer);
      };
      this.#pending.set(rid, { link, settle });
    });
  }

  /** An answer that comes too late is dropped, and one by another device. */
  answered(link: MqttLink, rid: string, answer: MethodAnswer): void {
    if (this.#pending.get(rid)?.link === link) this.#settle(rid, answer);
  }

  /** The connection ended: nobody will answer. */
  lost(link: MqttLink): void {
    for (const [rid, pending] of this.#pending) {
      if (pending.link === link) this.#settle(rid, new MethodError(404103, `DeviceNotOnline: ${link.clientId} left`));
    }
  }

  #settle(rid: string, answer: MethodAnswer | MethodError): void {
    const pending = this.#pending.get(rid);
    this.#pending.delete(rid);
    pending?.settle(answer);
  }
}
