import { configPath, DEFAULT_PATH, instanceOf } from '../config/config.ts';
import { configurationOf } from '../config/instance.ts';
import { contained, inImage, isContained } from './contained.ts';
import { type Rewriting, rewritten } from './printed.ts';

const STANDARD = instanceOf(DEFAULT_PATH);
/** Each takes the name of a unit. */
const OF_SYSTEMD = ['systemctl', 'journalctl'];

/**
 * Texts for people name the daemon that every gateway has. Here their commands and the file of its PIN become those of another
 * one: for each text in one place, where it is printed. A text that was changed already stays as it is.
 */
export function naming(name: string): (text: string) => string {
  const { unit, pin } = instanceOf(configurationOf(name));
  const named: Rewriting = (command) => {
    const { program, args } = command;
    if (program === STANDARD.pin) return { ...command, program: pin };
    if (program === 'newleaf') {
      const isNamed = args.length === 0 || args.includes('--instance') || args.includes('--config');
      return isNamed ? command : { ...command, args: ['--instance', name, ...args] };
    }
    if (!OF_SYSTEMD.includes(program) || !args.includes(STANDARD.unit)) return command;
    return { ...command, args: args.map((word) => (word === STANDARD.unit ? unit : word)) };
  };
  return (text) => rewritten(text, named);
}

/**
 * The same for the daemon whose configuration NEWLEAF_CONFIG names, and in a container for its commands; elsewhere one without a
 * name changes nothing.
 */
export function namingIn(env: NodeJS.ProcessEnv): (text: string) => string {
  const { name } = instanceOf(configPath(undefined, env));
  const named = name === undefined ? (text: string) => text : naming(name);
  return isContained(env) ? (text) => rewritten(inImage(named(text)), contained) : named;
}
