import { setTimeout as delay } from 'node:timers/promises';
import type { FaultName, FaultOptions } from '../faults.ts';
import type { Fields, LogEvent } from '../log.ts';
import type { MqttLink } from '../mqtt-link.ts';
import { answerTopic, csrRefusal, expiresText, type Refusal, refusalBody, shownChain, USUAL_CODE } from './answers.ts';
import { RenewalCa, type RenewalCaOptions } from './renewal-ca.ts';
import { type Ending, type Renewal, Renewals } from './renewals.ts';
import { readBody, usableRid } from './request-body.ts';

const REQUEST = /^\$iothub\/credentials\/POST\/issueCertificate(?:\/|$)/;
export const ANSWERS = '$iothub/credentials/res/';

export interface CredentialsDeskOptions extends RenewalCaOptions {
  readonly now: () => number;
  /** The session of a device now. */
  readonly linkOf: (deviceId: string) => MqttLink | undefined;
  readonly note: (link: MqttLink, event: LogEvent, fields?: Fields) => void;
}

/** The certificates that devices ask of their hub over a session: 202, and minutes to hours later 200. */
export class CredentialsDesk {
  readonly #options: CredentialsDeskOptions;
  readonly #renewals: Renewals;
  readonly #ca: RenewalCa;

  constructor(options: CredentialsDeskOptions) {
    this.#options = options;
    this.#renewals = new Renewals(options.now, options.switches);
    this.#ca = new RenewalCa(options);
  }

  /** Whether the topic is a request of this kind. */
  knows(topic: string): boolean {
    return REQUEST.test(topic);
  }

  request(link: MqttLink, topic: string, payload: Buffer): void {
    const rid = new URLSearchParams(topic.split('?')[1] ?? '').get('$rid') ?? undefined;
    this.#options.note(link, 'credentials', { reason: rid ?? '', body: payload.toString() });
    // Seen by Microsoft's test run: no answer.
    if (!usableRid(rid) || link.session.qosFor(ANSWERS) === undefined) return;
    const fault = this.#take(link, 'credentials-status');
    if (fault !== undefined) this.#refuse(link, rid, refusalOf(fault));
    else this.#accept(link, rid, payload);
  }

  /** After SUBACK, and where a session is resumed: what was not delivered comes now. */
  deliver(link: MqttLink): void {
    const active = this.#renewals.active(link.clientId);
    if (active?.ending) this.#tell(link, active, active.ending);
  }

  /** The certificate of a request that is held is made now. Throws where there is none. */
  async conclude(deviceId: string): Promise<void> {
    const active = this.#renewals.active(deviceId);
    if (active === undefined) throw new Error(`no request of "${deviceId}" is active`);
    await this.#issue(deviceId, active);
  }

  #accept(link: MqttLink, rid: string, payload: Buffer): void {
    const body = readBody(payload, link.clientId);
    const opened = 'errorCode' in body ? body : this.#renewals.accept(link.clientId, rid, body);
    if ('errorCode' in opened) this.#refuse(link, rid, opened);
    else {
      if (this.#take(link, 'credentials-close')) link.drop('fault');
      void this.#begin(link, opened);
    }
  }

  async #begin(link: MqttLink, opened: Renewal): Promise<void> {
    const { switches } = this.#options;
    const bad = switches.csrRefusalAtHub === 'at-once' ? await this.#ca.fault(link.clientId, opened.der) : undefined;
    if (bad) {
      this.#end(link.clientId, opened, { kind: 'refused', refusal: csrRefusal(bad, opened.correlationId, switches) });
      return;
    }
    const { rid, correlationId, expires, ending } = opened;
    const slow = this.#take(link, 'slow-202');
    if (slow) await delay(slow.ms ?? 0, undefined, { ref: false });
    if (!this.#take(link, 'no-202')) {
      this.#answer(link, 202, rid, { correlationId, operationExpires: expiresText(expires) });
    }
    if (ending) this.#tell(link, opened, ending);
    else if (switches.renewal === 'at-once') await this.#issue(link.clientId, opened);
  }

  async #issue(deviceId: string, renewal: Renewal): Promise<void> {
    if (renewal.making) return;
    renewal.making = true;
    const { faults, name } = this.#options;
    const failed = faults.take(name, 'issue-failed');
    const slow = faults.take(name, 'slow-issue');
    const ending: Ending = failed
      ? { kind: 'refused', refusal: refusalOf(failed, renewal.correlationId) }
      : await this.#ca.ending(deviceId, renewal);
    if (slow) setTimeout(() => this.#end(deviceId, renewal, ending), slow.ms ?? 0).unref();
    else this.#end(deviceId, renewal, ending);
  }

  #end(deviceId: string, renewal: Renewal, ending: Ending): void {
    if (!this.#renewals.current(deviceId, renewal)) return;
    renewal.ending = ending;
    const link = this.#options.linkOf(deviceId);
    if (link !== undefined) this.#tell(link, renewal, ending);
  }

  #tell(link: MqttLink, renewal: Renewal, ending: Ending): void {
    if (link.ending || link.session.qosFor(ANSWERS) === undefined) return;
    renewal.delivered = true;
    const { rid, correlationId } = renewal;
    if (ending.kind === 'refused') {
      this.#refuse(link, rid, ending.refusal);
      return;
    }
    const { switches } = this.#options;
    const certificates = shownChain(ending.chain, switches);
    const body = switches.renewalBody === 'array' ? certificates : { correlationId, certificates };
    this.#options.note(link, 'issued', { reason: rid });
    if (this.#take(link, 'stray-200')) this.#answer(link, 200, `stray-${rid}`.slice(0, 36), body);
    this.#answer(link, 200, rid, body);
    if (this.#take(link, 'duplicate-200')) this.#answer(link, 200, rid, body);
  }

  #refuse(link: MqttLink, rid: string, refusal: Refusal): void {
    this.#options.note(link, 'refused', { code: refusal.errorCode, reason: refusal.message });
    this.#answer(link, Math.trunc(refusal.errorCode / 1_000), rid, refusalBody(refusal, this.#options.switches));
  }

  #answer(link: MqttLink, status: number, rid: string, body: object): void {
    const { switches } = this.#options;
    link.publish(answerTopic(status, rid, switches), body, { plain: switches.renewalQos === 'zero' });
  }

  #take(link: MqttLink, fault: FaultName): FaultOptions | undefined {
    return this.#options.faults.take(this.#options.name, fault, link.caller.connection);
  }
}

function refusalOf(
  { status = 500, code, message = 'Fault.', retryAfter }: FaultOptions,
  correlationId?: string,
): Refusal {
  return {
    errorCode: code ?? USUAL_CODE[status] ?? status * 1_000,
    message,
    ...(retryAfter !== undefined && { retryAfter: Number(retryAfter) }),
    ...(correlationId !== undefined && { info: { correlationId } }),
  };
}
