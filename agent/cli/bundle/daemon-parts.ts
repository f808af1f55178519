import { instanceOf } from '../../config/config.ts';
import { askSocket } from '../../control/client.ts';
import { isContained } from '../../machine/contained.ts';
import { run as showStatus } from '../status/command.ts';
import { type Part, printed, type Scene } from './part.ts';
import { textOf } from './settings.ts';

const WAIT_MS = 10_000;
/** Every server that does not answer costs its own time. */
const CHECK_MS = 180_000;
const LOG_LINES = 3_000;
/** What the engine has is not to be seen from within. */
const IN_CONTAINER = 'The engine of the container has the log: `docker logs newleaf`. Please send it as well.';

async function asked({ settings }: Scene, path: string): Promise<string | object> {
  const { body } = await askSocket(textOf(settings, 'control.socket') ?? '', 'GET', path, undefined, WAIT_MS);
  return typeof body === 'object' && body !== null ? body : String(body);
}

export const DAEMON_PARTS: readonly Part[] = [
  {
    name: 'status.txt',
    about: '`newleaf status`',
    async make({ settings, env, now }) {
      let text = '';
      const paper = { write: (more: string) => (text += more) };
      const args = { command: 'status', options: { config: settings.file }, positionals: [] } as const;
      const exit = await showStatus(args, { out: paper, err: paper, env, now: () => now });
      return `${text}\n(exit code ${exit})\n`;
    },
  },
  /** Names and counts: keys and messages of the programs are not in this answer. */
  {
    name: 'programs.json',
    about: 'the programs that send through newleaf, and what waits',
    make: (scene) => asked(scene, '/v1/uplink'),
  },
  { name: 'status.json', about: 'the same, for programs', make: (scene) => asked(scene, '/v1/status') },
  /** In a process of its own: a module may hang or crash. */
  {
    name: 'check.json',
    about: '`newleaf check`: token, leaf, network, time and more',
    async make({ itself, settings }) {
      const said = await printed([...itself, 'check', '--json', '--config', settings.file], CHECK_MS);
      try {
        return JSON.parse(said.split('\n').find((line) => line.startsWith('{"schema"')) ?? said) as object;
      } catch {
        return said;
      }
    },
  },
  { name: 'metrics.txt', about: 'what monitoring sees (/metrics)', make: (scene) => asked(scene, '/metrics') },
  {
    name: 'log.txt',
    about: `the last ${LOG_LINES} lines of the log`,
    make: async ({ settings, env }) => {
      if (isContained(env)) return IN_CONTAINER;
      const unit = `--unit=${instanceOf(settings.file).unit}`;
      return printed(['journalctl', unit, '--no-pager', '--output=short-iso-precise', `--lines=${LOG_LINES}`]);
    },
  },
];
