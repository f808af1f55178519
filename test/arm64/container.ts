import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Runs a bundle with the arguments that follow. */
export const CONTAINER = join(import.meta.dirname, 'container');

/** Files and directories of this machine, by their place inside. */
export interface Given {
  readonly readable: Readonly<Record<string, string>>;
  readonly writable: Readonly<Record<string, string>>;
  /** Lines `NAME=VALUE`, beside those of the image. */
  readonly env: readonly string[];
}

/** What an image says of how it is to be run (Docker image specification 1.2). */
interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Volumes: Readonly<Record<string, object>>;
  readonly Healthcheck: { readonly Test: readonly [kind: 'CMD', ...command: string[]] };
}

/** An unpacked image: see `build-image`. */
export class Image {
  readonly config: ImageConfig;
  readonly #rootfs: string;

  constructor(directory: string) {
    this.config = JSON.parse(readFileSync(join(directory, 'image.json'), 'utf8')).Docker.config;
    this.#rootfs = join(directory, 'rootfs');
  }

  /** The ids of the image's user. */
  get user(): { readonly uid: number; readonly gid: number } {
    const [uid, gid] = this.config.User.split(':').map(Number);
    if (uid === undefined || gid === undefined) throw new Error(`${this.config.User} is not UID:GID`);
    return { uid, gid };
  }

  /**
   * Makes `bundle` a container as `docker run --read-only --cap-drop=ALL --security-opt=no-new-privileges --network=host`
   * makes one.
   */
  contain(bundle: string, argv: readonly string[], { readable, writable, env }: Given): void {
    const bound = (binds: Given['readable'], mode: 'ro' | 'rw') =>
      Object.entries(binds).map(([destination, source]) => ({
        destination,
        source,
        type: 'bind',
        options: ['rbind', mode],
      }));
    const config = {
      ociVersion: '1.0.0',
      root: { path: this.#rootfs, readonly: true },
      process: {
        user: this.user,
        args: argv,
        env: [...this.config.Env, ...env],
        cwd: '/',
        capabilities: {},
        noNewPrivileges: true,
      },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
        { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['mode=1777'] },
        ...bound(readable, 'ro'),
        ...bound(writable, 'rw'),
      ],
      linux: { namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })) },
    };
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  }
}
