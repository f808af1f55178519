import assert from 'node:assert/strict';
import type { AdrSwitches } from '../../simulator/adr/switches.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../simulator/switches.ts';
import type { Story } from './stories.ts';

interface Matter<Position extends string> {
  /** The stories that it matters to. Each of them is played in every position. */
  readonly to: readonly Story[];
  readonly why: string;
  /** All of them: a new one is missed by the compiler. */
  readonly positions: Readonly<Record<Position, true>>;
}

const INDIVIDUAL_BREACH = ['individual breach', 'individual breach of both'] as const;
const GROUP_BREACH = ['group breach of the root', 'group breach of the intermediate'] as const;
const GROUP_EXPIRY = ['group expiry of the root', 'group expiry of the intermediate'] as const;
const INDIVIDUAL = [...INDIVIDUAL_BREACH, 'individual expiry'] as const;
const GROUP = [...GROUP_BREACH, ...GROUP_EXPIRY] as const;
const ROLLS = [...INDIVIDUAL, ...GROUP, 'reprovision'] as const;

/** Leaves that Azure issues are in none of these stories: test/e2e/azure plays their switches. */
type Known = Exclude<keyof Switches, keyof AdrSwitches>;

/** What is not known of the real services, and to which of the stories it matters. A new switch is missed by the compiler. */
const MATTERS: { readonly [Name in Known]: Matter<`${Switches[Name]}`> } = {
  refusalShape: {
    to: [...INDIVIDUAL, ...GROUP_BREACH, 'reprovision'],
    why: 'a leaf is refused that is not enrolled yet, or not any more',
    positions: { 'res-401': true, failed: true },
  },
  disabledShape: {
    to: ['disallow'],
    why: 'only there an enrollment is disabled',
    positions: { disabled: true, 'res-401': true, failed: true },
  },
  individualDecidesFor: {
    to: ['disallow'],
    why: 'a member of a group is barred by an individual enrollment; elsewhere a device has one of the two only',
    positions: { 'registration-id': true, 'held-leaf': true },
  },
  infoAlone: {
    to: ['individual expiry', ...GROUP_EXPIRY, 'reprovision', 'disallow'],
    why: 'a certificate stays in an enrollment that is written; after a breach none stays',
    positions: { 'keeps-its-place': true, 'may-move': true, refused: true },
  },
  expiredLeafAtDps: {
    to: [],
    why: 'the stories end before anything expires; probe.test.ts plays an operator who is late',
    positions: { 'res-401': true, close: true },
  },
  expiredIssuerAtDps: {
    to: [],
    why: 'the old CA is out of the group before it expires',
    positions: { refuse: true, accept: true },
  },
  enrolledIssuerMayBeLeftOut: {
    to: [...GROUP, 'disallow'],
    why: 'a member of a group is known by its chain',
    positions: { true: true, false: true },
  },
  chainMustReachVerifiedCa: {
    to: [],
    why: 'the operator has every root verified, and the device sends its chain: what need not be so is so all the same',
    positions: { true: true, false: true },
  },
  neverPolicyRefreshesThumbprint: {
    to: [...INDIVIDUAL, ...GROUP, 'disallow'],
    why: 'the hub must learn a new thumbprint under the policy "never"; of a method and a job the rolls tell enough',
    positions: { true: true, false: true },
  },
  registrationEnablesDevice: {
    to: ['disallow'],
    why: 'only there the hub disables an identity',
    positions: { true: true, false: true },
  },
  secondDpsConnect: {
    to: [],
    why: 'nobody asks DPS while another does',
    positions: { 'drop-old': true, 'keep-both': true },
  },
  retryAfter: {
    to: [...ROLLS, 'disallow'],
    why: 'it is a part of the time that the device is offline',
    positions: { '0': true, '3': true, '': true },
  },
  answerAtOnce: { to: [...ROLLS, 'disallow'], why: 'DPS is asked', positions: { true: true, false: true } },
  disabledConnack: {
    to: ['disallow'],
    why: 'only there the hub disables an identity',
    positions: { 5: true, 3: true },
  },
  sessionsEndAtNotAfter: {
    to: [],
    why: 'the stories end before anything expires; probe.test.ts plays an operator who is late',
    positions: { true: true, false: true },
  },
  sixthSubscription: {
    to: [],
    why: 'newleaf subscribes to fewer than five topics',
    positions: { close: true, refuse: true },
  },
  acksInOrder: {
    to: [],
    why: 'the stories have no messages to the device',
    positions: { true: true, false: true },
  },
  oversizedReported: {
    to: [],
    why: 'what newleaf reports has a small bound',
    positions: { 403: true, 400: true, 413: true },
  },
  webSocketCertificate: {
    to: [],
    why: 'the stories go over plain MQTT; network.test.ts plays WebSockets in both positions',
    positions: { handshake: true, renegotiation: true },
  },
  estSendsChain: {
    to: [...ROLLS, 'disallow'],
    why: 'the chain goes to DPS, and the operator enrolls the first certificate of it',
    positions: { true: true, false: true },
  },
};

const played = new Map<Story, Switches[]>();

/** Notes that a story is played in these positions. */
export function plays(story: Story, switches: Partial<Switches> = {}): void {
  played.set(story, [...(played.get(story) ?? []), { ...DEFAULT_SWITCHES, ...switches }]);
}

/** Asserts that this process has played a story in every position that matters to it. */
export function assertPlayed(story: Story): void {
  const positions = played.get(story) ?? [];
  const left = Object.entries(MATTERS).flatMap(([name, { to, positions: all }]) =>
    Object.keys(all)
      .filter(
        (position) =>
          to.includes(story) && !positions.some((one) => String(new Map(Object.entries(one)).get(name)) === position),
      )
      .map((position) => `${name} ${position}`),
  );
  assert.deepEqual(left, [], `${story} is not played in these positions`);
}
