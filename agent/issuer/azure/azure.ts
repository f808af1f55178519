import { areaOf, type Failure, Fault } from '../../failure/failure.ts';
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

/** What DPS has said of a hub, whichever leaf was asked for: the identity that it was shown is the same. */
interface Named {
  readonly assignment: Assignment;
  /** Wall clock, milliseconds. */
  readonly at: number;
  /** Thumbprints of the leaves that it was told of. */
  readonly told: readonly string[];
}

/** For so long another leaf need not ask, in milliseconds. */
const NAMED_MS = 10 * 60_000;

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

export interface Azure {
  readonly issuer: Issuer;
  readonly dps: Dps;
  /** What is wrong with the onboarding identity, as DPS or the token said last. */
  readonly trouble: () => Failure | undefined;
}

/** From this share of its life on a leaf is not risked for a hub that takes hours. */
const LATE = 0.9;

/**
 * Leaves that Azure issues: over the session with the hub while the current leaf serves there, else with a registration by
 * the onboarding identity. The hub trusts the CA, so a leaf needs no registration of its own: it has the assignment that it
 * was issued with. DPS is asked again only for the hub, without a CSR, because every CSR costs a leaf.
 */
export function createAzure(parts: AzureParts): Azure {
  const { state, now, renewal, pace, demandKey } = parts;
  /** The leaf that was issued last. */
  let latest: { readonly csr: string; readonly chain: string } | undefined;
  let named: Named | undefined;
  let trouble: Failure | undefined;

  async function register(asking: AskingDps, abort: AbortSignal): Promise<Assignment> {
    try {
      const assignment = await parts.register(asking, abort);
      trouble = undefined;
      return assignment;
    } catch (error) {
      if (error instanceof Fault && areaOf(error.failure) === 'ONBOARDING') trouble = error.failure;
      throw error;
    }
  }

  function keep(csr: string, chain: string, assignment: Assignment | undefined): string {
    latest = { csr, chain };
    named = assignment && { assignment, at: now(), told: [] };
    return chain;
  }

  function namedFor(thumbprint: string): Named | undefined {
    const age = now() - (named?.at ?? Number.POSITIVE_INFINITY);
    return age >= 0 && age < NAMED_MS && !named?.told.includes(thumbprint) ? named : undefined;
  }

  async function overHub(csr: string, leaf: Leaf, there: Assignment, abort: AbortSignal) {
    // The leaf that came for this CSR was refused: by the judge, or by the hub, and DPS may have another one by now.
    const refused = latest?.csr === csr ? latest.chain : undefined;
    const id = requestId(csr, refused ?? leaf.thumbprint);
    const chain = await renewal.issue({ csr, id, begin: () => pace.begin(id) }, abort);
    return chain && keep(csr, chain, refused === undefined ? there : undefined);
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
      return keep(csr, issuedIn(list, 'DPS'), from);
    } catch (error) {
      if (!isAsked || isOver || (list === undefined && isDecided(error))) await takeBack();
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
    trouble: () => trouble,
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
      knows: ({ thumbprint }) => namedFor(thumbprint) !== undefined,
      async register(leaf, abort) {
        await demandKey(leaf);
        const { thumbprint } = leaf;
        const known = namedFor(thumbprint);
        if (known !== undefined) {
          // Once: when the hub refuses the leaf later, DPS may have another one.
          named = { ...known, told: [...known.told, thumbprint] };
          return known.assignment;
        }
        const asked = register({ read: demandClassic }, abort).then((assignment) => {
          named = { assignment, at: now(), told: [thumbprint] };
          return assignment;
        });
        return asked.catch(otherwise(thumbprint));
      },
    },
  };
}

/** Of the current leaf, as far as its hub is not known to refuse it. */
const placeIn = ({ rejected, grace = 0, assignment }: Standing): Assignment | undefined =>
  rejected || grace > 0 ? undefined : assignment;

const lateAt = ({ notBefore, notAfter }: Leaf): number => notBefore + LATE * (notAfter - notBefore);

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
  'NL-CLOCK',
]);
