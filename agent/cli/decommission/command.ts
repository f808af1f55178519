import { type Config, configPath, loadConfig } from '../../config/config.ts';
import { neighboursOf } from '../../config/neighbours.ts';
import { EXIT } from '../../failure/exit.ts';
import { Fault } from '../../failure/failure.ts';
import { becomeDaemon, isStranger, type Passage } from '../../machine/as-daemon.ts';
import { endJournal } from '../../state/journal.ts';
import { LOCK, type Lock, takeLock } from '../../state/lock.ts';
import { command, Failed, Misuse, type Run, textOption, textsOption } from '../kit/command.ts';
import { demandTyped, type Keyboard } from '../kit/prompt.ts';
import { screenOf } from '../kit/screen.ts';
import { daemonOn } from '../status/present.ts';
import { sendLastMessages } from './last-messages.ts';
import { programsLeft } from './programs.ts';
import { filesIn, removeFiles, removeLock } from './state-directory.ts';
import { tokenHolding } from './token.ts';
import { tpmHolding } from './tpm.ts';
import { planInWords, restInWords } from './words.ts';

export interface DecommissionOptions {
  /** Goes on as the daemon. */
  readonly passage: Passage;
  /** Where the answer is typed. */
  readonly stdin: Keyboard;
}

/**
 * `newleaf decommission`: destroys what newleaf has made. A power cut at any moment leaves a gateway that says so and does
 * nothing else, and the same command finishes the work: the journal is ended before the first key is destroyed. It stays, for
 * the daemon that is started again with the machine.
 */
export const decommission = ({ passage, stdin }: DecommissionOptions): Run =>
  command(async (args, io) => {
    const loaded = loadConfig(configPath(textOption(args, 'config'), io.env), passage.handed?.toml);
    const { file, config } = loaded;
    const { yes: isAgreed = false, 'token-lost': isLost = false } = args.options as Record<string, boolean | undefined>;
    if (passage.handed === undefined && isStranger(file, config))
      throw new Failed('Only root can give this gateway up.', { advice: '`newleaf decommission`' });
    const named = textsOption(args, 'key-id').map((id) => id.toLowerCase());
    const { directory } = config.state;
    const screen = screenOf(io.out, io.env);
    const held = await becomeDaemon(file, config, passage);
    let lock = await alone(config);
    try {
      if (!isAgreed && stdin.isTTY !== true) throw new Misuse(NO_TERMINAL, { advice: '`newleaf decommission --yes`' });
      const holding = await ('tpm' in config
        ? tpmHolding(config)
        : tokenHolding(config, { held, env: io.env, isLost, named }));
      const files = await filesIn(directory);
      if (holding.own.length + files.length === 0) {
        await removeLock(directory);
        io.out.write('There is nothing here that newleaf has made.\n');
        return EXIT.done;
      }
      const programs = await programsLeft(directory, config.uplink.sockets);
      io.out.write(planInWords({ holding, files, programs }, loaded, screen));
      if (!isAgreed) {
        const name = config.dps.registration_id;
        await demandTyped(stdin, io.out, { name, what: 'registration ID', unchanged: 'Nothing was destroyed.' });
      }
      if (programs.some(({ queued }) => queued !== 0)) {
        await lock.release();
        await sendLastMessages({ file, config, held, env: io.env }, io);
        lock = await alone(config);
      }
      await endJournal(directory, io.now(), 'ended', holding.known);
      await holding.destroy();
      await removeFiles(directory);
      await endJournal(directory, io.now(), 'gone', holding.known);
      io.out.write(`\n${restInWords({ holding, programs }, loaded, neighboursOf(file), screen)}`);
      return EXIT.done;
    } finally {
      await lock.release();
    }
  });

const NO_TERMINAL = 'The question cannot be asked: stdin is no terminal.';

const RUNS = {
  message: 'The daemon runs. Nothing was destroyed.',
  advice: 'Stop it for good: `systemctl disable --now newleaf`. Then run `newleaf decommission` again.',
};

/** From here on only this process uses state and token. @throws Fault NL-DAEMON-RUNS */
async function alone({ state, control }: Config): Promise<Lock> {
  const lock = await takeLock(state.directory, LOCK, RUNS);
  // Where the disk is full, the lock does not reach into another network namespace.
  if ((await daemonOn({ socket: control.socket })) === undefined) return lock;
  await lock.release();
  throw new Fault('NL-DAEMON-RUNS', RUNS);
}
