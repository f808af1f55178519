import { configPath, instanceOf } from '../config/config.ts';
import { configurationOf } from '../config/instance.ts';

/** A test compares them with the table of commands. */
export const COMMANDS =
  'init|status|check|reprovision|roll|csr|install|tpm|uplink|support-bundle|decommission|config|run(?! by)';

/**
 * Texts name the daemon that every gateway has. Here their commands, unit and PIN become those of another one: for each text in
 * one place, where it is printed. A text that was changed already stays as it is.
 */
export function naming(name: string): (text: string) => string {
  const { unit, pin } = instanceOf(configurationOf(name));
  const command = new RegExp(`\\bnewleaf(\\s+)(?=(?:${COMMANDS})\\b)`, 'g');
  return (text) =>
    text
      .replace(command, `newleaf --instance ${name}$1`)
      .replace(/\bnewleaf\.service\b/g, `${unit}.service`)
      .replace(/\b(systemctl(?:\s+(?!newleaf)[a-z-]+)+\s+|journalctl\s+-u\s+)newleaf(?![\w@-]|\.\w)/g, `$1${unit}`)
      .replaceAll('/etc/newleaf/pin', pin);
}

/** The same for the daemon whose configuration NEWLEAF_CONFIG names; one without a name changes nothing. */
export function namingIn(env: NodeJS.ProcessEnv): (text: string) => string {
  const { name } = instanceOf(configPath(undefined, env));
  return name === undefined ? (text) => text : naming(name);
}
