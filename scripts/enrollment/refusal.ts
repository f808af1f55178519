import { Failed } from '../../agent/cli/kit/command.ts';
import type { Desk } from './desk.ts';
import { NAME } from './name.ts';

/** The fields on which the official clients agree: azure-iot-http-base puts the answer of the server on the error. */
interface RestError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly responseBody?: string;
  readonly response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string | undefined>> };
}

const TRIES = 4;
const FIRST_PAUSE_MS = 1_000;
/** A quota is for a minute (iot-hub-devguide-quotas-throttling): a throttled call is repeated for so long, whatever its tries. */
const THROTTLED_MS = 5 * 60_000;
/** Of what a server or a device says. */
export const MOST_WORDS = 200;
const NO_ANSWER: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved now',
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'it closed the connection',
  ETIMEDOUT: 'it does not answer',
};
const DISTRUST = /self.signed|unable to (verify|get)|certificate/i;

const isRestError = (error: unknown): error is RestError => error instanceof Error;

/** HTTP status of a refusal, or undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return isRestError(error) ? error.response?.statusCode : undefined;
}

const SERVER_ERROR = 500;
/** IoT Hub says so of a device that is connected, and does not answer a method. */
const GATEWAY_TIMEOUT = 504;

/** Whether a failed call says nothing about its device: DPS or the hub gave no answer, or an error of its own. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Failed) || error.cause === undefined) return false;
  const status = statusOf(error.cause) ?? SERVER_ERROR;
  return status >= SERVER_ERROR && status !== GATEWAY_TIMEOUT;
}

/**
 * Calls a server of Azure. Waits and repeats where it is throttled (429) or away for a moment (503), as long as it asks for or
 * a little longer each time.
 * @param who "DPS" or "the hub", for the sentence of a failure
 * @throws Failed in words; an error with one of the statuses in `expected` unchanged
 */
export async function asking<T>(
  desk: Desk,
  who: string,
  call: () => Promise<T>,
  expected: readonly number[] = [],
): Promise<T> {
  const patience = desk.now() + THROTTLED_MS;
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const status = statusOf(error) ?? 0;
      if (expected.includes(status)) throw error;
      const isOver = status === 429 ? desk.now() >= patience : tries >= TRIES;
      if (isOver || (status !== 429 && status !== 503)) throw new Failed(inWords(who, error), { cause: error });
      const asked = isRestError(error) ? Number(error.response?.headers?.['retry-after']) : Number.NaN;
      await desk.sleep(asked > 0 ? asked * 1_000 : FIRST_PAUSE_MS * 2 ** Math.min(tries - 1, 5));
    }
  }
}

/** The same; undefined where the object does not exist. */
export async function orAbsent<T>(desk: Desk, who: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await asking(desk, who, call, [404]);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** One sentence: what was refused, and what to do. */
export function inWords(who: string, error: unknown): string {
  if (error instanceof Failed) return error.message;
  if (!isRestError(error)) return `${who} failed: ${error}`;
  const status = statusOf(error);
  if (status === undefined) {
    const why = NO_ANSWER[error.code ?? ''] ?? error.message;
    const hint = DISTRUST.test(why) ? ' Name a CA that is not built in by NODE_EXTRA_CA_CERTS.' : '';
    return `${who} cannot be reached: ${why}.${hint}`;
  }
  const words = wordsOf(error);
  switch (status) {
    case 401:
    case 403:
      return `${who} refuses the connection string or the login (${status}): check its key, and that its policy, or your role, may write.`;
    case 409:
      return `${who} refuses (409): ${words}. Look at it: ${NAME} show device ID, or ${NAME} show group NAME`;
    case 412:
      return `Another client changed it meanwhile (412). Look again, and repeat.`;
    case 429:
      return `${who} is throttling (429). Repeat in a few minutes.`;
    default:
      return `${who} refuses (${status}): ${words}`;
  }
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** The message in the body: DPS says it plainly, IoT Hub after a code within `Message`, Resource Manager within `error`. */
export function wordsOf(error: unknown): string {
  const { responseBody = '', message } = isRestError(error) ? error : { message: String(error) };
  try {
    const body: unknown = JSON.parse(responseBody);
    const said = isFields(body) && isFields(body.error) ? body.error : body;
    const told = isFields(said) ? Object.entries(said) : [];
    const words = told.find(([name]) => name.toLowerCase() === 'message')?.[1];
    return String(words ?? message)
      .replace(/^ErrorCode:(\w+);/, '$1: ')
      .slice(0, MOST_WORDS);
  } catch {
    return message.slice(0, MOST_WORDS);
  }
}
