import { spawnSync } from 'node:child_process';
import { Fault } from '../../../failure/failure.ts';
import { Interrupted } from '../../kit/prompt.ts';
import { Back } from '../dialogue.ts';
import type { Guide } from '../guide.ts';

const UNITS = ['aziot-edged', 'aziot-identityd'];

const TIME_LIMIT_MS = 10_000;

/**
 * The words of its own documentation. Masked, as each start registers the leaf that it had with DPS: the hub would then refuse
 * the leaf of newleaf.
 */
export function commandsOf({ isEdge }: { readonly isEdge: boolean }) {
  const tool = isEdge ? 'iotedge' : 'aziotctl';
  const units = isEdge ? UNITS : UNITS.slice(1);
  return {
    stop: [`sudo ${tool} system stop`, `sudo systemctl mask ${units.join(' ')}`],
    back: [
      'sudo systemctl disable --now newleaf',
      `sudo systemctl unmask ${units.join(' ')}`,
      `sudo ${tool} system restart`,
    ],
  };
}

/**
 * Waits until the program that was here has stopped: the hub admits one session for a device, and the two would end that of
 * each other. Everything else is done by now, so the gateway is without a session for seconds.
 * @throws Fault NL-CONFIG where there is no terminal
 */
export async function demandStopped({ adopted, dialogue }: Guide, runs = runningUnits): Promise<void> {
  if (adopted === undefined) return;
  const { aziot } = adopted;
  const stop = aziot === undefined ? [] : commandsOf(aziot).stop;
  for (;;) {
    const units = aziot === undefined ? [] : runs();
    const names = units.join(' and ');
    if (!dialogue.asks && names !== '') {
      throw new Fault('NL-CONFIG', {
        message: `${names} still runs, with the same identity. Everything is ready, and the cloud was not asked yet.`,
        advice: `${stop.map((line) => `\`${line}\``).join(', ')}. Then run the same \`newleaf init\` again.`,
      });
    }
    if (!dialogue.asks || (aziot !== undefined && names === '')) return;
    const unknown = 'Now stop the program that has used this identity: the hub admits one session.';
    dialogue.paragraph(aziot === undefined ? unknown : `Now stop ${names}, in another terminal:`);
    dialogue.commands(stop);
    if ((await dialogue.confirm('Is it stopped?', true).catch(toStop)) && aziot === undefined) return;
  }
}

/** There is no question before this one that could be asked again. @throws Interrupted for Back */
export function toStop(error: unknown): never {
  throw error instanceof Back ? new Interrupted() : error;
}

function runningUnits(): readonly string[] {
  return UNITS.filter((unit) => {
    const { stdout } = spawnSync('systemctl', ['is-active', unit], { encoding: 'utf8', timeout: TIME_LIMIT_MS });
    return /^(active|activating|reloading)$/m.test(stdout ?? '');
  });
}
