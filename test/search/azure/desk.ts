import type { World } from '../world.ts';
import type { Azure } from './azure.ts';
import type { RenewalFault } from './faults.ts';
import type { Link } from './link.ts';

interface Body {
  readonly csr: string;
  readonly replace?: string;
}

/** "Exactly one operation per device": in flight, or ended, and its certificate delivered or not. */
interface Operation {
  readonly request: string;
  readonly csr: string;
  /** By the monotonic clock. */
  readonly asked: number;
  ending?: Answer;
  isDelivered: boolean;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LIVES_MS = 12 * HOUR;
const SOON_MS = 300;

/** What a hub says at once, and makes nothing. */
const SAYS: Partial<Record<RenewalFault, Answer>> = {
  unoffered: { status: 404, body: { errorCode: 404001 } },
  refused: { status: 400, body: { errorCode: 400040, info: { credentialError: 'FailedToDecodeCsr' } } },
  bug: { status: 400, body: { errorCode: 400004 } },
  throttled: { status: 429, body: { errorCode: 429002, retryAfter: 600 } },
  unavailable: { status: 503, body: { errorCode: 503001 } },
  broken: { status: 500, body: { errorCode: 500001 } },
  unreadable: { status: 200, body: { certificates: ['no certificate'] } },
  active: { status: 409, body: { errorCode: 409005, info: { requestId: 'another-request' } } },
};

const REFUSED: Answer = { status: 400, body: { errorCode: 400037, info: { credentialError: '400000' } } };

const LATE_MS: Partial<Record<RenewalFault, number>> = {
  late: 40 * MINUTE,
  'very late': 5 * HOUR,
  'refused later': MINUTE,
};

/** The certificates that a device asks of its hub over a session: 202, and minutes to hours later 200. */
export class Desk {
  readonly #world: World;
  readonly #azure: Azure;
  #last: Operation | undefined;

  constructor(world: World, azure: Azure) {
    this.#world = world;
    this.#azure = azure;
  }

  async request(link: Link, request: string, { csr, replace }: Body): Promise<void> {
    const { renewal, issuerOddly } = this.#world.faults;
    if (renewal === 'silent') return;
    if (renewal === 'ends') return this.#world.endSession();
    const { clock } = this.#world.options;
    await clock.sleep(renewal === 'slow' ? MINUTE : SOON_MS);
    const isNothing = renewal === 'nothing';
    const said = isNothing ? (replace === undefined ? SAYS.active : NOTHING) : renewal && SAYS[renewal];
    const opened = said ?? this.#opened(request, csr, replace);
    if ('status' in opened) return link.arrive(opened.status, request, opened.body);
    link.arrive(202, request, {});
    if (opened.ending !== undefined) return this.deliver(link, opened);
    if (renewal === 'never') return;
    const isSlow = issuerOddly === 'slow' || issuerOddly === 'deaf';
    await clock.sleep((renewal && LATE_MS[renewal]) ?? (isSlow ? 9 * MINUTE : SOON_MS));
    if (this.#living() !== opened || opened.ending !== undefined) return;
    const isRefused = renewal === 'refused later' || !this.#azure.hasPolicy;
    opened.ending = isRefused
      ? REFUSED
      : { status: 200, body: { certificates: [this.#azure.issue(csr, opened.asked).toString('base64')] } };
    const now = this.#world.session?.link;
    if (renewal !== 'loses' && now !== undefined) this.deliver(now, opened);
  }

  /** What is made and was not delivered comes with the subscription; what was delivered, if it is asked for again. */
  deliver(link: Link, asked?: Operation): void {
    const operation = asked ?? this.#active();
    if (operation?.ending === undefined || !link.isSubscribed || link.isOver) return;
    operation.isDelivered = true;
    const { status, body } = operation.ending;
    link.arrive(status, operation.request, body);
    if (this.#world.faults.renewal === 'twice') link.arrive(status, operation.request, body);
  }

  #opened(request: string, csr: string, replace: string | undefined): Operation | Answer {
    const last = this.#living();
    const isSame = last?.request === request && last.csr === csr;
    if (isSame && (!last.isDelivered || last.ending?.status === 200)) return last;
    const active = this.#active();
    if (active !== undefined && replace === undefined) {
      return { status: 409, body: { errorCode: 409005, info: { requestId: active.request } } };
    }
    if (replace !== undefined && replace !== '*' && replace !== active?.request) return NOTHING;
    this.#last = { request, csr, asked: this.#world.options.clock.monotonic(), isDelivered: false };
    return this.#last;
  }

  #living(): Operation | undefined {
    const last = this.#last;
    return last && this.#world.options.clock.monotonic() < last.asked + LIVES_MS ? last : undefined;
  }

  #active(): Operation | undefined {
    const last = this.#living();
    return last?.isDelivered ? undefined : last;
  }
}

const NOTHING: Answer = { status: 412, body: { errorCode: 412001 } };
