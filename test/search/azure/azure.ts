import { certificatesOf } from '../../../agent/certificate/pem.ts';
import type { Code, Failure } from '../../../agent/failure/failure.ts';
import { endOf, type OnboardingLeaf } from '../../../agent/keys/onboarding.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import type { Answered } from '../faults.ts';
import type { Card } from '../token.ts';
import type { World } from '../world.ts';
import { thumbprintOf } from './certificates.ts';
import { Desk } from './desk.ts';

/** What a leaf was issued under. */
interface Issued {
  readonly authority: number;
  readonly mark: number;
}

/** Azure, where it issues the leaves: a CA, a policy, and what it knows of the gateway. */
export class Azure {
  /** The issuing CA of now. */
  authority = 1;
  /** The one that the hubs trust: they learn of a new one. */
  trusted = 1;
  /** Of the device, inside its leaves: "revoke device" draws another. */
  mark = 1;
  hasPolicy = true;
  /** The device in the hubs. */
  isEnabled = true;
  onboarding: OnboardingLeaf & { readonly card: Card | undefined };
  /** The file azure-requests of the gateway. */
  record: string | undefined;
  /** When leaves were asked for that were issued, by the monotonic clock. */
  readonly made: number[] = [];
  readonly desk: Desk;
  readonly #world: World;
  readonly #issued = new Map<string, Issued>();

  constructor(world: World, onboardingLeftMs: number) {
    this.#world = world;
    const now = world.options.clock.now();
    this.onboarding = {
      thumbprint: 'F',
      notBefore: now - YEAR,
      notAfter: now + onboardingLeftMs,
      card: world.token.card,
    };
    this.desk = new Desk(world, this);
  }

  keep(leaf: Leaf): void {
    this.#issued.set(leaf.thumbprint, { authority: this.authority, mark: this.mark });
  }

  /** A leaf for the key of a CSR that was asked for then, as Azure shows it: the DER. */
  issue(csr: string, asked = this.#world.options.clock.monotonic()): Buffer {
    this.#world.count('certificate');
    this.made.push(asked);
    const { slot, id } = JSON.parse(Buffer.from(csr, 'base64').toString());
    const isAhead = this.#world.faults.issuerOddly === 'ahead';
    const leaf = this.#world.issue({ slot, id }, isAhead ? { aheadMs: AHEAD_MS } : {});
    return certificatesOf(leaf.chain)[0] as Buffer;
  }

  thumbprintOf = (chain: string): string => thumbprintOf(certificatesOf(chain)[0] as Buffer);

  /** What the token says to a handshake with the onboarding key, which is in one token. */
  handshake(): Code | undefined {
    const { token, faults } = this.#world;
    if (token.card !== this.onboarding.card) return 'NL-ONBOARDING-KEY';
    return faults.handshake?.whom === 'all' ? faults.handshake.code : undefined;
  }

  /** What DPS says to the onboarding certificate. */
  refusal(): Answered | undefined {
    const isOver = this.onboarding.notAfter <= this.#world.options.clock.now();
    return isOver ? { code: 'NL-DPS-401002', whom: 'all' } : undefined;
  }

  /** What the process that is alive has met with its onboarding identity. */
  trouble: () => Failure | undefined = () => undefined;

  /** What the gateway says of its onboarding certificate. */
  beside = (): Failure | undefined => this.trouble() ?? endOf(this.onboarding, this.#world.options.clock.now());

  /** Whether a hub takes this leaf. */
  trusts({ thumbprint, issuer }: Leaf): boolean {
    const { authority, mark } = this.#issued.get(thumbprint) ?? {};
    return this.isEnabled && issuer === 'CA' && authority === this.trusted && mark === this.mark;
  }
}

const YEAR = 365 * 86_400_000;
const AHEAD_MS = 3 * 86_400_000;
