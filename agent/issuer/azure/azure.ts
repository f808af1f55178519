import { createHash } from 'node:crypto';
import { certificatesOf } from '../../certificate/pem.ts';
import { Fault } from '../../failure/failure.ts';
import type { Assignment, Leaf } from '../../roll/leaf.ts';
import type { Dps, Issuer } from '../../roll/ports.ts';
import type { RollState } from '../../roll/state.ts';
import { requestId } from './answers.ts';
import { bareCsr, issuedIn } from './issued.ts';
import type { LeafPace } from './pace.ts';
import type { HubRenewal } from './renewal.ts';

/** What a registration asks for beside a hub, and gets. */
export interface AskingDps {
  /** PKCS#10, DER in base64; without it nothing is issued. */
  readonly csr?: string;
  /** Called when the request is on its way. */
  readonly asked?: () => void;
  /** Reads `registrationState` of an assignment. */
  readonly read: (state: Readonly<Record<string, unknown>>) => void;
}

type Standing = Pick<RollState, 'current' | 'assignment' | 'rejected' | 'grace'>;

interface AzureParts {
  readonly state: () => Standing;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly renewal: Pick<HubRenewal, 'issue'>;
  /** A registration with the onboarding identity. */
  readonly register: (asking: AskingDps, abort: AbortSignal) => Promise<Assignment>;
  readonly pace: Pick<LeafPace, 'begin'>;
  /** @throws where the key of the leaf is not in the token: no handshake with DPS would show it */
  readonly demandKey: (leaf: Leaf) => Promise<unknown>;
}

/** From this share of its life on a leaf is not risked for a hub that takes hours. */
const LATE = 0.9;

/**
 * Leaves that Azure issues: over the session with the hub while the current leaf serves there, else with a registration by
 * the onboarding identity. The hub trusts the CA, so a leaf needs no registration of its own: it has the assignment that it
 * was issued with. DPS is asked again only for the hub, without a CSR, because every CSR costs a leaf.
 */
export function createAzure(parts: AzureParts): { readonly issuer: Issuer; readonly dps: Dps } {
  const { state, now, renewal, register, pace, demandKey } = parts;
  let latest: { readonly thumbprints: readonly string[]; readonly assignment: Assignment } | undefined;

  function keep(chain: string, from: Assignment): string {
    latest = { thumbprints: certificatesOf(chain).map(thumbprintOf), assignment: from };
    return chain;
  }

  async function overHub(csr: string, leaf: Leaf, there: Assignment, abort: AbortSignal) {
    const id = requestId(csr, leaf.thumbprint);
    const chain = await renewal.issue({ csr, id, begin: () => pace.begin(id) }, abort);
    return chain && keep(chain, there);
  }

  async function byRegistration(csr: string, abort: AbortSignal): Promise<string> {
    const takeBack = await pace.begin();
    let isAsked = false;
    let isOver = false;
    let list: unknown;
    const asking: AskingDps = {
      csr,
      asked() {
        isAsked = true;
      },
      read(state) {
        list = state.issuedCertificateChain;
        isOver = list === undefined || list === null;
        demandClassic(state);
      },
    };
    try {
      const from = await register(asking, abort);
      return keep(issuedIn(list, 'DPS'), from);
    } catch (error) {
      if (!isAsked || isOver || isDecided(error)) await takeBack();
      throw error;
    }
  }

  /**
   * Where DPS names no hub for a next leaf, that of the current one trusts the same CA: a leaf that was renewed must not wait for
   * an onboarding certificate that has expired.
   */
  const otherwise = (thumbprint: string) => (error: unknown) => {
    const there = thumbprint === state().current?.thumbprint ? undefined : placeIn(state());
    if (there === undefined || !(error instanceof Fault)) throw error;
    return there;
  };

  return {
    issuer: {
      async issue(csrPem, abort) {
        const csr = bareCsr(csrPem);
        const [leaf, there] = [state().current, placeIn(state())];
        const isEarly = leaf !== undefined && now() < lateAt(leaf);
        const renewed = isEarly && there !== undefined ? await overHub(csr, leaf, there, abort) : undefined;
        return renewed ?? byRegistration(csr, abort);
      },
    },
    dps: {
      async register(leaf, abort) {
        await demandKey(leaf);
        const { thumbprint } = leaf;
        const found = latest?.thumbprints.includes(thumbprint) ? latest.assignment : undefined;
        // Once: when a hub refuses the leaf later, DPS may have another one.
        latest = undefined;
        return found ?? register({ read: demandClassic }, abort).catch(otherwise(thumbprint));
      },
    },
  };
}

/** Of the current leaf, as far as its hub is not known to refuse it. */
const placeIn = ({ rejected, grace = 0, assignment }: Standing): Assignment | undefined =>
  rejected || grace > 0 ? undefined : assignment;

const lateAt = ({ notBefore, notAfter }: Leaf): number => notBefore + LATE * (notAfter - notBefore);

const thumbprintOf = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex').toUpperCase();

/** "classic", absent and null mean MQTT 3.1.1 (from api-version 2026-11-02-preview on). @throws Fault NL-AZURE-MQTT5 */
function demandClassic({ connectionProfile: profile = null }: Readonly<Record<string, unknown>>): void {
  if (profile === null || profile === 'classic') return;
  const message = `DPS assigned a hub with the connection profile ${JSON.stringify(profile)}; newleaf speaks MQTT 3.1.1, which is "classic".`;
  throw new Fault('NL-AZURE-MQTT5', { message });
}

/** DPS has answered, and has issued nothing. */
const isDecided = (error: unknown): boolean =>
  error instanceof Fault && (error.failure.kind === 'refused' || NOTHING_ISSUED.has(error.failure.code));

const NOTHING_ISSUED: ReadonlySet<string> = new Set([
  'NL-DPS-OTHER',
  'NL-DPS-THROTTLED',
  'NL-DPS-CONFLICT',
  'NL-DPS-SCOPE',
  'NL-DPS-ALLOCATION',
]);
