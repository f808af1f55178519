import type { Answer } from '../../agent/ask/ask.ts';
import { AZURE_DEEDS } from '../search/azure/deeds.ts';
import { AZURE_FAULTS } from '../search/azure/faults.ts';
import { DEEDS } from '../search/deeds.ts';
import { FAULTS, type Faults } from '../search/faults.ts';
import type { Gateway } from '../search/gateway.ts';
import { WIDER_DEEDS, WIDER_FAULTS } from '../search/wider.ts';
import { OWN_DEEDS, OWN_FAULTS } from './deeds.ts';
import type { Letters } from './letters.ts';
import { msOf } from './row.ts';

const SECOND = 1_000;
/** What is waited for comes within this time, in seconds. */
const PATIENCE = 4 * 3_600;

const ALL = { ...DEEDS, ...AZURE_DEEDS, ...WIDER_DEEDS, ...OWN_DEEDS } as Readonly<
  Record<string, (gateway: Gateway) => unknown>
>;

/** A gateway on its way through a row. */
export class Stage {
  readonly gateway: Gateway;
  readonly letters: Letters;
  /** What the last request was answered with. */
  answer: Answer | undefined;
  #laid: Readonly<Record<string, Faults>> = {};

  constructor(gateway: Gateway, letters: Letters) {
    this.gateway = gateway;
    this.letters = letters;
  }

  /**
   * Does a step: `5 min` passes · `until register b` waits for this call · `until stranded` for this phase · the name of a fault
   * lays it · `over: NAME` ends it · `all is well` ends each · the name of a deed does it.
   */
  async take(step: string): Promise<void> {
    const { clock } = this.gateway;
    const ms = msOf(step);
    if (ms !== undefined) return clock.pass(ms);
    if (step.startsWith('until ')) return this.#until(step.slice('until '.length));
    if (step === 'all is well') return this.#lay({});
    if (step.startsWith('over: ')) {
      const { [step.slice('over: '.length)]: _, ...others } = this.#laid;
      return this.#lay(others);
    }
    const fault = FAULTS.get(step) ?? AZURE_FAULTS.get(step) ?? WIDER_FAULTS.get(step) ?? OWN_FAULTS[step];
    if (fault !== undefined) return this.#lay({ ...this.#laid, [step]: fault });
    const deed = ALL[step];
    if (deed === undefined) throw new Error(`"${step}" is no step`);
    void Promise.resolve(deed(this.gateway)).then((answer) => {
      if (typeof answer === 'object' && answer !== null && 'is' in answer) this.answer = answer as Answer;
    });
    await clock.pass(0);
  }

  #lay(faults: Readonly<Record<string, Faults>>): void {
    this.#laid = faults;
    this.gateway.lay(Object.assign({}, ...Object.values(faults)));
  }

  async #until(what: string): Promise<void> {
    const { gateway, letters } = this;
    const { length } = gateway.world.asked;
    for (let second = 0; second < PATIENCE; second += 1) {
      const answer = await gateway.daemon?.answer({ kind: 'status' });
      if (answer?.is === 'status' && (answer.status.phase === what || (what === 'online' && answer.status.online)))
        return;
      // The answer comes at the same moment.
      if (letters.told(length).some(({ call }) => call === what)) return gateway.clock.pass(0);
      await gateway.clock.pass(SECOND);
    }
    throw new Error(`until ${what}: it does not come`);
  }
}
