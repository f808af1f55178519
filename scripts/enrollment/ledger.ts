import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failed, textOption } from '../../agent/cli/kit/command.ts';
import { makePlace, stateDirectory } from './archive.ts';
import type { Call } from './command.ts';
import { at } from './desk.ts';
import { fileTrouble } from './file-trouble.ts';
import { operatorOf } from './request.ts';

/** One line for the intent, and one for how it went. Stable: fields are added, never renamed. */
export interface Written {
  readonly event: 'begun' | 'done' | 'failed';
  /** The host of DPS. */
  readonly dps?: string;
  /** The resource ID of a namespace of Azure Device Registry. */
  readonly namespace?: string;
  readonly kind: string;
  readonly id: string;
  /** As DPS had it; null where there was none. */
  readonly before?: unknown;
  /** As it is to be; null where it is deleted. */
  readonly after?: unknown;
  readonly why?: string;
}

const whereOf = ({ dps }: Written): string => (dps === undefined ? 'Azure Device Registry' : 'DPS');

/** What this operator writes into DPS, and revokes: JSON lines, in the file of `--log`, or in the state directory. */
export class Ledger {
  readonly #call: Call;
  readonly #file: string | undefined;

  constructor(call: Call) {
    this.#call = call;
    const directory = stateDirectory(call.desk.env);
    this.#file = textOption(call, 'log') ?? (directory && join(directory, 'dps.jsonl'));
  }

  /**
   * The intent stands in the log before the call: a laptop that ends meanwhile leaves it.
   * @throws Failed where the file cannot be written; what the call throws
   */
  async around<T>(told: Omit<Written, 'event' | 'why'>, call: () => Promise<T>): Promise<T> {
    await this.#add({ event: 'begun', ...told });
    const answer = await call().catch(async (error: Error) => {
      await this.#add({ event: 'failed', ...told, why: error.message });
      throw error;
    });
    await this.#add({ event: 'done', ...told });
    return answer;
  }

  async #add(line: Written): Promise<void> {
    const { desk } = this.#call;
    if (this.#file === undefined) return;
    const text = `${JSON.stringify({ at: at(desk), by: operatorOf(desk.env), ...line })}\n`;
    try {
      if (textOption(this.#call, 'log') === undefined) await makePlace(this.#file);
      await appendFile(this.#file, text, { mode: 0o600 });
    } catch (error) {
      const told =
        line.event === 'begun'
          ? `Nothing was written into ${whereOf(line)}`
          : `${whereOf(line)} was asked, and that is not in the log`;
      throw new Failed(`${told}: ${this.#file} cannot be written: ${fileTrouble(error as Error)}.`, {
        advice: 'Name another log: --log FILE',
      });
    }
  }
}
