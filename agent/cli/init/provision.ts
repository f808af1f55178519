import { loadConfig } from '../../config/config.ts';
import { needsNoPerson, termsOf } from '../../config/terms.ts';
import { adviceByIssuer, advisedFor, another } from '../../failure/advice.ts';
import { EXIT, exitOf } from '../../failure/exit.ts';
import type { Passage } from '../../machine/as-daemon.ts';
import { builtAt } from '../../machine/build.ts';
import type { Line, Log } from '../../machine/log.ts';
import { isEndorsed, type Leaf } from '../../roll/leaf.ts';
import { lacksKey, waitsForPerson } from '../../roll/look.ts';
import { iso, WORDS } from '../../roll/report.ts';
import type { RollState } from '../../roll/state.ts';
import type { Terms } from '../../roll/terms.ts';
import { adoptedChain } from '../../state/adopted.ts';
import { beginAnew } from '../../state/journal.ts';
import { readEntry } from '../../state/read-entry.ts';
import { limited } from '../../time/limited.ts';
import { type Complaint, complaint, ended, type Io } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { awaitCertificate, tellOperator } from '../onboarding.ts';
import { asDaemon, start } from '../run/command.ts';
import type { Dialogue } from './dialogue.ts';
import { showCsr, showEnrollment, showLeaf, tellToStart } from './enrollment.ts';
import { SCOPE_DOUBTED, scopeDoubted } from './scope.ts';
import { type DaemonWatch, serves, tellAll, untilAtRest, waits } from './watch.ts';

/** How often DPS is asked while a person waits in front of the gateway. */
const ASK_AGAIN_MS = 20_000;
/** A registration takes seconds; a slower one is reported, and asked again. */
const ANSWER_MS = 60_000;

/**
 * Watches the daemon bring the gateway to its hub. Shows what a person needs: the CSR where a person signs, the leaf where DPS
 * refuses it. Where a person is at the screen, it waits for that person.
 * @param before the state file before the daemon was started
 */
export async function provision(watch: DaemonWatch, before: RollState | 'absent'): Promise<RollState> {
  const { config, isPatient, running } = watch;
  const { daemon } = running;
  const untell = tellAll(watch, before === 'absent' ? undefined : before.phase);
  try {
    // Refused before, and perhaps enrolled meanwhile.
    if (before !== 'absent' && waits(before)) await askDps(watch);
    const needsPerson = !('tpm' in config) && !needsNoPerson(config.issuer);
    const late = needsPerson ? watch.late.forPerson : watch.late.forServers;
    await Promise.race([daemon.begun, running.ended]);
    const certificate = await awaitCertificate(watch);
    if (certificate === 'missing') return await untilAtRest(watch, late);
    if (certificate === 'brought' && !serves(daemon.state)) await askDps(watch);
    const hasLeaf = daemon.state.current !== undefined || daemon.state.next?.leaf !== undefined;
    const isKeyGone = hasLeaf && watch.isNewToken && lacksKey(await untilAtRest(watch, late));
    if (needsPerson && (!hasLeaf || isKeyGone)) {
      await showCsr(watch);
      if (!isPatient) return daemon.state;
    } else if (isKeyGone) await daemon.answer({ kind: 'roll', from: 'technician', delayMs: 0 });
    const state = await untilAtRest(watch, late, isKeyGone ? 'NL-TOKEN-KEY' : undefined);
    // The one that DPS refuses.
    const leaf = waits(state) ? (state.next?.leaf ?? state.current) : undefined;
    if (serves(state)) return state;
    if (leaf !== undefined) await showEnrollment(watch, leaf, state);
    else if (!(await tellOperator(watch, state.next?.rest?.failure.code))) return state;
    return isPatient ? await untilEnrolled(watch) : state;
  } finally {
    untell();
  }
}

/** Asks DPS about the leaf again, at once. Costs only the call: no key or leaf is made. */
async function askDps({ running }: DaemonWatch): Promise<void> {
  await running.daemon.answer({ kind: 're-register', from: 'technician', delayMs: 0 });
}

/** Waits until the operator has enrolled the leaf: DPS is asked at intervals, and at once when Enter is pressed. */
async function untilEnrolled(watch: DaemonWatch): Promise<RollState> {
  const { dialogue, abort, late } = watch;
  const over = AbortSignal.any([abort, late.forPerson]);
  const enter = dialogue.asks ? ' Enter asks at once.' : '';
  const pace = `DPS is asked every ${ASK_AGAIN_MS / 1000} s.${enter}`;
  dialogue.paragraph(`Waiting for the operator: ${pace} Ctrl-C ends it, and nothing is lost.`);
  for (;;) {
    await dialogue.pause(ASK_AGAIN_MS, over);
    if (!over.aborted) await askDps(watch);
    const state = await untilAtRest(watch, limited(over, ANSWER_MS));
    if (serves(state) || over.aborted) return state;
  }
}

async function finishInit(watch: DaemonWatch, { current, assignment }: RollState): Promise<void> {
  const { dialogue } = watch;
  if (current === undefined || assignment === undefined) return;
  dialogue.blank();
  dialogue.ok(`Connected to ${assignment.hub} as ${assignment.deviceId}. The hub answers.`);
  const more = [`  issued by    ${current.issuer}`, `  valid until  ${iso(current.notAfter)}`];
  if (!isEndorsed(current)) showLeaf(watch, current, 'leaf.pem', ...more);
  tellToStart(watch);
  await tellWayBack(watch, current);
}

/** Where the gateway serves with the leaf that it had before newleaf: how long the way back is open, and what ends it. */
async function tellWayBack({ dialogue, config }: DaemonWatch, { key, chain }: Leaf): Promise<void> {
  if ('tpm' in config) return;
  const isImported = key.slot === 'a' && chain === (await adoptedChain(config.state.directory));
  if (key.slot !== 'given' && !isImported) return;
  const file = isImported ? ' Delete the file of the old key after that: newleaf deletes only what it has made.' : '';
  const told = another(
    (how) =>
      `It serves with the leaf that it had before. The way back is to stop newleaf and start the old program. The first roll ends that, with a key that was made in the token: ${how}, once the daemon runs.${file}`,
  );
  dialogue.paragraph(adviceByIssuer(needsNoPerson(config.issuer), told));
}

const AGAIN =
  'Run `newleaf init` again, or start the daemon: it goes on where this stopped. To change an answer: `newleaf init --ask`.';

/** The daemon of init has ended. */
const KEY_LOST = another(
  (how) => `Is it the right token? If the key is lost: \`systemctl start newleaf\`, then ${how} makes another.`,
);

/** Why provisioning stopped early. Waiting for a leaf that a person brings is not an error. */
type Shortfall = Readonly<{ complaint?: Complaint; exit: number }>;

export function shortfall(state: RollState, terms: Pick<Terms, 'automatic'>, isInterrupted: boolean): Shortfall {
  const stopped = (message: string) => ({ complaint: { message, advice: AGAIN }, exit: EXIT.failed });
  if (isInterrupted) return stopped('Interrupted. Nothing is lost.');
  if (waitsForPerson(state.next, terms)) return { exit: EXIT.person };
  const met = state.next?.rest?.failure ?? (state.workTrouble ?? state.sessionTrouble)?.failure;
  if (met === undefined) return stopped(`Not finished in time: ${WORDS[state.phase]}.`);
  const told = advisedFor(terms.automatic)({ ...met, ...(met.code === 'NL-TOKEN-KEY' && KEY_LOST) });
  const advice = met.kind === 'transient' ? `${told.advice} ${AGAIN}` : told.advice;
  return { complaint: { ...told, advice }, exit: waits(state) ? EXIT.person : exitOf(met) };
}

type Here = Omit<DaemonWatch, 'running' | 'config'> & Readonly<{ passage: Passage; file: string }>;

/** Brings the gateway to its hub on the screen. @returns the exit code, or SCOPE_DOUBTED where there is a person to ask */
export async function provisioned(here: Here, io: Io): Promise<number> {
  const { dialogue, abort } = here;
  const { complaint: why, exit }: Shortfall = await brought(here).catch(ended);
  if (why !== undefined) io.err.write(`\n${complaint(why, screenOf(io.err, io.env))}`);
  if (exit !== EXIT.done && exit !== SCOPE_DOUBTED && dialogue.asks && !abort.aborted) dialogue.say(MORE);
  return exit;
}

const MORE = '`newleaf check` looks at each thing by itself; `newleaf init --ask` asks everything again.';

/** The screen is for a person, so of the daemon's own log only the fate of a leaf that was brought is shown on it. */
function logOn(dialogue: Dialogue): Log {
  const tell = ({ event, code, message = '', advice, cause, path }: Line) => {
    if (event !== 'inbox-rejected' && event !== 'inbox-waits') return;
    dialogue.wrong({ code, message, advice, cause });
    if (path !== undefined) dialogue.say(`The file is ${path}. init waits on.`);
  };
  return { error() {}, warn: tell, info: tell, debug() {} };
}

async function brought(here: Here): Promise<Shortfall> {
  const { file, dialogue, abort, passage, env } = here;
  const { config } = loadConfig(file, passage.handed?.toml);
  const { registration_id: registrationId, id_scope, endpoint } = config.dps;
  const { directory } = config.state;
  const held = await asDaemon(file, config, passage);
  dialogue.title(`Provisioning ${registrationId} (ID scope ${id_scope}, ${endpoint})`);
  await beginAnew(directory);
  const before = await readEntry(directory);
  const running = await start({ file, config, log: logOn(dialogue), env, held });
  if (!('tpm' in config)) dialogue.ok(`Token "${config.hsm.token ?? config.hsm.uri}" is open.`);
  const doubt = dialogue.asks ? scopeDoubted(running) : new AbortController().signal;
  const late = {
    forServers: AbortSignal.any([here.late.forServers, doubt]),
    forPerson: AbortSignal.any([here.late.forPerson, doubt]),
  };
  const watch = { ...here, running, config, late };
  const state = await provision(watch, before).finally(() => running.stop());
  if (serves(state) && !abort.aborted) {
    await finishInit(watch, state);
    return { exit: EXIT.done };
  }
  if (doubt.aborted && !abort.aborted) return { exit: SCOPE_DOUBTED };
  return shortfall(state, termsOf(config, builtAt), abort.aborted);
}
