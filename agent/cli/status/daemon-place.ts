import type { Config } from '../../config/config.ts';
import { isContained } from '../../machine/contained.ts';

/** Where the daemon listens, and the directory of its lock (`state.directory`). */
export interface DaemonPlace {
  readonly socket: string;
  readonly directory?: string | undefined;
  /** This is a container: another one may share its volume. */
  readonly isContained?: boolean;
}

/** That of the configuration. */
export type DaemonHere = ReturnType<typeof daemonPlace>;

export const daemonPlace = ({ control, state }: Pick<Config, 'control' | 'state'>, env: NodeJS.ProcessEnv) => ({
  socket: control.socket,
  directory: state.directory,
  isContained: isContained(env),
});
