import { type RequestStatus, type Status, wordsOf } from '../../roll/report.ts';
import { took } from '../moment.ts';
import { causeInWords } from '../words.ts';

const TIME_WIDTH = 8;

/** Tells the story of one request from one `Status` after the other. Pure. */
export class Chronicle {
  readonly #id: string;
  readonly #told = new Set<string>();
  #phaseSince: number | undefined;

  constructor(id: string) {
    this.#id = id;
  }

  /** @returns with a line for each phase that has ended since the last look, and what is being done now */
  read({ at: now, request, scheduled, outcomes, trail, words, attestation }: Status) {
    const outcome = outcomes.find(({ id }) => id === this.#id);
    const mine = [request, scheduled, outcome].find((one): one is RequestStatus => one?.id === this.#id);
    if (mine === undefined) return { lines: [], doing: words, isUnknown: true };
    const until = Date.parse(outcome?.endedAt ?? now);
    // Phases before the request are left out; those of a clock that was ahead seem to come after it.
    const own = trail.filter(({ at }) => Date.parse(at) >= Date.parse(mine.at) && Date.parse(at) <= until);
    const lines = own.toReversed().flatMap((one) => this.#tell(one, attestation));
    const doing = scheduled?.id === this.#id ? 'waiting for the moment to begin' : words;
    return { lines, doing, isUnknown: false, ...(outcome && { outcome }) };
  }

  /** How long the phase that ended here took. */
  #tell({ at, from, to, why, code }: Status['trail'][number], attestation: Status['attestation']): readonly string[] {
    const moment = Date.parse(at);
    const name = `${at} ${from} ${to}`;
    if (this.#told.has(name)) return [];
    this.#told.add(name);
    const began = this.#phaseSince;
    this.#phaseSince = moment;
    if (began === undefined) return [];
    const how = code === undefined ? causeInWords(why) : `${causeInWords(why)}, ${code}`;
    return [`${took(moment - began).padStart(TIME_WIDTH)}  ${wordsOf(from, attestation)}: ${how}`];
  }
}
