import type { Failure } from '../failure/failure.ts';
import type { Log } from '../machine/log.ts';
import type { Notify } from '../machine/notify.ts';
import type { Leaf } from '../roll/leaf.ts';
import type { Ports } from '../roll/ports.ts';
import type { ReportOptions } from '../roll/report.ts';
import type { RollState } from '../roll/state.ts';
import type { Entry } from '../state/entry.ts';
import type { Journal } from '../state/journal.ts';
import type { Clock } from '../time/clock.ts';
import type { DaemonView } from './view.ts';

export interface DaemonOptions extends Omit<ReportOptions, 'now' | 'onboarding'> {
  readonly labelPrefix: string;
  readonly onboarding?: NonNullable<ReportOptions['onboarding']> & {
    /** Leaves that were asked of Azure within the last hour. */
    readonly requests: number;
    /** What a person does with its certificate. */
    readonly certificate: {
      /** For another one of its key. @throws Fault, TokenError */
      readonly csr: (cn: string) => Promise<string>;
      /** Why a person is to bring one; undefined where a good one is in its file. */
      readonly lack: () => Promise<Failure | undefined>;
      /**
       * Takes another one of its key; where the one before is good, DPS is shown it first.
       * @throws Fault NL-LEAF-…, NL-DPS-…, NL-ONBOARDING-…, NL-STATE-WRITE; TokenError
       */
      readonly install: (delivered: Uint8Array) => Promise<Leaf>;
    };
  };
  readonly ports: Ports;
  readonly journal: Journal<Entry>;
  /** Whether the journal could be written, found out without a write. @throws Fault NL-STATE-WRITE */
  readonly assertWritable?: () => Promise<void>;
  readonly clock: Clock;
  /** A random number in [0, 1). */
  readonly draw: () => number;
  readonly log: Log;
  readonly notify: Notify;
  /** The leaf of a key that was in the token before us, if one is configured. */
  readonly given: () => Promise<Leaf | undefined>;
  /** The leaf of this gateway that the token has, and that is newer than this one, whose key it has lost. */
  readonly newer?: (than: Leaf) => Promise<Leaf | undefined>;
  /** Whether the settings of the issuer were changed after this moment (wall clock, milliseconds). */
  readonly issuerChanged?: (since: number) => Promise<boolean>;
  /** What the token has in a place of ours, of another key than those. */
  readonly stranger?: (known: () => readonly string[]) => Promise<Failure | undefined>;
  /** Writes the files that are derived from the state, for others to read; those of `before` exist already. */
  readonly publish: (state: RollState, before?: RollState) => Promise<void>;
  /** Hears each state, once its effects are in flight; nothing waits for it. Never throws. */
  readonly afterStep?: (state: RollState) => Promise<void>;
  /** What the twin has beside the state of the machine; it is looked at with each step. */
  readonly besideTwin?: () => object | undefined;
  /** What is wrong beside the machine, as in the inbox. */
  readonly beside?: () => Failure | undefined;
  /** The ports' view of this daemon. */
  readonly view?: DaemonView;
}
