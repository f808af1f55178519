import { objectionTo } from '../../config/draft.ts';
import { failure } from '../../failure/failure.ts';
import { isEndorsed } from '../../roll/leaf.ts';
import type { Running } from '../run/command.ts';
import { ask } from './ask-setting.ts';
import { existing, writeConfiguration } from './configuration.ts';
import type { Dialogue } from './dialogue.ts';
import { type Guide, misconfigured } from './guide.ts';
import { loginOf } from './pin.ts';
import { untilProven } from './prove.ts';
import { SETTINGS } from './settings.ts';

/** Exit code between two processes of init: the one of root asks for the ID scope. */
export const SCOPE_DOUBTED = 64;

/** One such answer may be an outage. */
const DOUBTFUL = 2;

const SCOPE = SETTINGS['id-scope'];

/** Fires when DPS has answered as it does to an ID scope that does not exist, and not only once. */
export function scopeDoubted({ daemon }: Pick<Running, 'daemon'>): AbortSignal {
  const doubt = new AbortController();
  let times = 0;
  daemon.subscribe((event) => {
    if (event.type === 'failed' && event.code === 'NL-DPS-SCOPE') times += 1;
    if (times === DOUBTFUL) doubt.abort();
  });
  return doubt.signal;
}

/** Asks for the ID scope once more, and writes it. @throws Back; Interrupted; Fault NL-CONFIG */
export async function correctScope(dialogue: Dialogue, file: string, env: Guide['env']): Promise<void> {
  const { answers } = existing(file, false);
  const scope = answers.text(SCOPE.name);
  dialogue.paragraph(
    `Is ${scope} the right ID scope? Enter tries again, or type another. \`back\` asks everything again, as \`newleaf init --ask\` does.`,
  );
  answers.set(SCOPE.name, await dialogue.text(SCOPE.words, scope, (one) => objectionTo(SCOPE.name, one)));
  if (answers.text(SCOPE.name) !== scope) await writeConfiguration({ answers, file, env });
}

/**
 * Tries another ID scope with the leaf that the gateway has, before it is written: the session with the hub would go on, and the
 * mistake would show when it is too late. An answer about which DPS says nothing is taken.
 * @throws Fault NL-CONFIG where there is no terminal; Back; Interrupted
 */
export async function proveScope(guide: Guide): Promise<void> {
  const { answers, before, dialogue, file } = guide;
  const { name, hint } = SCOPE;
  const kept = before?.dps.id_scope;
  const met = async () => {
    const scope = answers.inEffect(name);
    if (kept === undefined || scope === kept || !(await isRefused(guide, scope, kept))) return undefined;
    const message = `DPS does not know the ID scope ${scope}: it refuses it (CONNACK 3), and accepts ${kept}.`;
    if (dialogue.asks) return failure('NL-DPS-SCOPE', { message, advice: `Look it up: ${hint}.` });
    const advice = `Look up the ID scope (${hint}), then run \`newleaf init\` again.`;
    throw misconfigured(`${message} Nothing was written: ${file} keeps ${kept}.`, advice);
  };
  await untilProven(guide, ['id-scope'], met, () => ({ setting: name, before: kept, again: [ask('id-scope')] }));
}

async function isRefused(guide: Guide, scope: string, kept: string): Promise<boolean> {
  const { answers, errand, leaf } = guide;
  if (leaf === undefined || isEndorsed(leaf)) return false;
  const { dps, trust, network } = answers.config;
  const { endpoint, registration_id: registrationId } = dps;
  const asked = { scope, kept, endpoint, registrationId, leaf, caFile: trust.ca_file, network };
  // What is wrong with the token or the network is met, and told, when the daemon starts.
  return errand('refusesScope', { ...(await loginOf(guide)), ...asked }).catch(() => false);
}
