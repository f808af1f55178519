import { join } from 'node:path';
import { command, type Run, textOption } from './cli/command.ts';
import { configPath, loadConfig, type X509Config, x509Of } from './config.ts';
import { EXIT, exitOf } from './exit.ts';
import type { Log } from './log.ts';
import { type Failure, sentence } from './roll/failure.ts';
import { iso, WORDS } from './roll/report.ts';
import type { Phase, RollState } from './roll/state.ts';
import { asDaemon, type Running, type StartOptions, start } from './run.ts';
import { failureOf } from './thrown.ts';

/** A gateway on a slow link is through in a few seconds; nobody in front of it should wait longer than this. */
const PATIENCE_MS = 120_000;

/** The screen is for a person, so the daemon's own log is not shown on it. */
const quiet: Log = { error() {}, warn() {}, info() {}, debug() {} };

type Say = (line: string) => void;

/**
 * `newleaf init`: provisions the gateway on a screen, then ends. It is `run` with somebody watching: it may be interrupted
 * anywhere and run again.
 * @param destroyer argv of a process that destroys a key (hsm/destroy.ts)
 */
export const init = (destroyer: readonly string[]): Run =>
  command(async (args, { env, out }) => {
    const { file, config } = loadConfig(configPath(textOption(args, 'config'), env));
    const held = await asDaemon(file, config);
    return provision({ config, log: quiet, env, destroyer, held }, (line) => out.write(`${line}\n`));
  });

async function provision(options: StartOptions, say: Say): Promise<number> {
  const config = x509Of(options.config);
  const { registration_id, id_scope, endpoint } = config.dps;
  say(`Provisioning ${registration_id} (ID scope ${id_scope}, ${endpoint})`);
  const from = performance.now();
  const tell = (mark: string, words: string) => {
    const seconds = ((performance.now() - from) / 1000).toFixed(2);
    say(`  ${seconds.padStart(6)} s  ${mark} ${words}`);
  };
  try {
    const running = await start(options);
    tell('ok', `token "${config.hsm.token ?? config.hsm.uri}" opened`);
    const csr = await csrForPerson(running, config);
    if (csr !== undefined) {
      await running.stop();
      return handOver(csr, config, say);
    }
    const end = await settled(running, tell);
    await running.stop();
    return conclude(end, config, say);
  } catch (error) {
    return fail(failureOf(error), say);
  }
}

/** Where a person brings the leaf, the key is made now, and its CSR is what init is for. */
async function csrForPerson({ daemon }: Running, { issuer }: X509Config): Promise<string | undefined> {
  if (issuer.kind !== 'inbox' && issuer.kind !== 'hub') return undefined;
  const { status, body } = await daemon.answer({ kind: 'csr', from: 'technician' });
  return status === 200 && daemon.state.current === undefined && 'csr' in body ? String(body.csr) : undefined;
}

function handOver(csr: string, { dps, state }: X509Config, say: Say): number {
  say('');
  say(`The key of ${dps.registration_id} is in the token. Have this CSR signed, keeping its subject:`);
  say('');
  say(csr.trimEnd());
  say('');
  say(
    `It also lies in ${join(state.directory, 'csr')}. Start the daemon (systemctl enable --now newleaf), and bring the leaf`,
  );
  say(`with \`newleaf install FILE\`, or drop it into ${join(state.directory, 'inbox')}.`);
  return EXIT.person;
}

type Told = { readonly type?: string; readonly to?: Phase; readonly code?: string; readonly message?: string };

/** Resolves when the gateway serves, when it waits for a person, or when patience ends. */
function settled({ daemon, ended }: Running, tell: (mark: string, words: string) => void): Promise<RollState> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      unsubscribe();
      resolve(daemon.state);
    };
    const timer = setTimeout(finish, PATIENCE_MS);
    const unsubscribe = daemon.subscribe((event: Told) => {
      if (event.type === 'transition' && event.to !== undefined) tell('..', WORDS[event.to]);
      if (event.type === 'failed') tell('!!', `${event.code} ${event.message}`);
      const { phase, online, next } = daemon.state;
      const waits = phase === 'stranded' || next?.parked !== undefined;
      if (phase === 'serving' && online !== undefined) finish();
      else if (waits && phase !== 'registering-next' && phase !== 'requesting-leaf') finish();
    });
    ended.then(finish, reject);
  });
}

function conclude({ current, next, online, assignment, trouble }: RollState, config: X509Config, say: Say): number {
  if (current !== undefined && online !== undefined && assignment !== undefined) {
    say('');
    say(`Connected to ${assignment.hub} as ${assignment.deviceId}.`);
    say(`  leaf        ${current.thumbprint}`);
    say(`  issued by   ${current.issuer}, valid until ${iso(current.notAfter)}`);
    say('Start the daemon: systemctl enable --now newleaf');
    return EXIT.done;
  }
  const { directory } = config.state;
  if (next?.parked !== undefined && next.leaf !== undefined) {
    say('');
    say('DPS does not accept this leaf yet. The operator enrolls it:');
    say(`  registration ID  ${config.dps.registration_id}`);
    say(`  thumbprint       ${next.leaf.thumbprint}`);
    say(`  certificate      ${join(directory, 'next.pem')}`);
    say('or its issuer, for a group. Then run `newleaf init` again, or start the daemon: it asks DPS by itself.');
  }
  const failure = next?.parked?.failure ?? trouble;
  if (failure === undefined) {
    say('');
    say('Not through yet. Run `newleaf init` again, or start the daemon: it goes on where this stopped.');
    return EXIT.failed;
  }
  fail(failure, say);
  return next?.parked === undefined ? EXIT.failed : EXIT.person;
}

function fail(failure: Failure, say: Say): number {
  say('');
  say(sentence(failure));
  return exitOf(failure);
}
