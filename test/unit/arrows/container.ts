/** An arrow as a container prints it (agent/machine/contained.ts). */
export interface ContainedArrow {
  /** How the command begins. */
  readonly command: string;
  readonly standsFor: string;
  /** Where it is typed, as in rows.ts. */
  readonly test: readonly [file: string, name: string];
}

const ARROWS = 'test/container/arrows.test.ts';

/** Each command of the engine that newleaf prints. */
export const IN_CONTAINER: readonly ContainedArrow[] = [
  {
    command: 'docker restart newleaf',
    standsFor: '`systemctl restart newleaf`, `systemctl start newleaf`',
    test: [ARROWS, 'the PIN is wrong: another one, and a restart'],
  },
  {
    command: 'docker stop newleaf',
    standsFor: '`systemctl stop newleaf`, `systemctl disable newleaf`',
    test: [ARROWS, 'the token is lost: stop, another token, start, and a roll'],
  },
  { command: 'docker logs newleaf', standsFor: '`journalctl`', test: [ARROWS, 'the log is that of the engine'] },
  {
    command: 'docker exec newleaf newleaf ',
    standsFor: 'a command of newleaf, in the container of the daemon',
    test: [ARROWS, 'a command in another container asks there'],
  },
  {
    command: 'docker exec --interactive newleaf newleaf install - <FILE',
    standsFor: '`newleaf install FILE`',
    test: [ARROWS, 'a person brings a leaf'],
  },
  {
    command: 'docker exec newleaf rm /var/lib/newleaf/uplink/.tls/ca.key',
    standsFor: '"Remove …/ca.key": it is of the user of the image',
    test: ['test/container/programs.test.ts', 'programs in containers of their own'],
  },
  {
    command: 'docker run --rm --user 0 ',
    standsFor:
      '`chown`, `chmod`, `install`, `rm`; `sudo newleaf init`, where `/etc/newleaf` is not for the user of the image',
    test: [ARROWS, 'a password is for all: root of the engine closes it'],
  },
  {
    command: 'docker rm --force newleaf',
    standsFor: 'the package of before, as an image is run by its tag',
    test: [ARROWS, 'the state is of a newer newleaf'],
  },
  {
    command: 'docker run --rm --interactive ',
    standsFor: '`newleaf init`, `newleaf decommission`: the daemon, and so its container, must not run',
    test: [ARROWS, 'the token is lost: stop, another token, start, and a roll'],
  },
  {
    command: 'docker run --rm --tmpfs ',
    standsFor: 'the same with `--yes`, which asks nothing',
    test: [ARROWS, 'the gateway is given up'],
  },
  {
    command: 'docker build --file Dockerfile.arm64 --build-arg MODULE=',
    standsFor: '`apt-get install`',
    test: ['test/container/own-engine.ts', 'MODULE=softhsm2'],
  },
];
