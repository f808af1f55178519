import { type CommandOfDaemon, flagged, valued } from './kit/tool.ts';

/** The exit codes of commands that ask the daemon, and need no person elsewhere. */
const EXITS = {
  0: 'Done.',
  1: 'Failed, or refused.',
  2: 'Wrong command line or configuration.',
  5: 'The daemon does not run.',
};
const TROUBLE = {
  ...EXITS,
  0: 'Done: no program has a trouble.',
  1: 'A program has a trouble that does not pass by itself.',
};

const json = flagged('Print JSON, whose schema is kept stable.');
const operands = { shown: 'NAME', least: 1, most: 1 };

/** Options of `newleaf uplink add` and `set`. */
export const TERMS = {
  'max-bytes': valued('SIZE', 'The most bytes on disk that wait for the hub, in place of uplink.max_bytes.'),
  'max-age': valued('DURATION', 'Older messages are dropped, in place of uplink.max_age.'),
  rate: valued('COUNT', 'The most messages a second to the hub; without it, only uplink.rate bounds them.'),
  priority: valued('PRIORITY', '"high", "normal" or "bulk": which goes first where messages of several programs wait.'),
};

/** The commands for the programs of the gateway that send through newleaf. */
export const UPLINK_COMMANDS = {
  'uplink add': {
    meaning: 'Let a program of this gateway send through newleaf',
    caller: 'root',
    operands,
    about: [
      'Gives the program a socket or a key, and prints what to paste into it. Its messages are stored on this gateway, and go to the hub in the session of newleaf: the program needs no identity, and no network.',
      'The socket is for users in a group: there is no password. Called by root, it makes the directory of the socket, now and at each start of the gateway; called by others, the daemon makes it for its own group. A key is for programs that connect by TCP only, as the device SDKs of Azure do.',
      'Called by root for a program whose socket cannot be opened, it puts the directory right.',
    ],
    options: {
      group: valued('GROUP', 'Users in this group may connect; without it, users in the group of the daemon.'),
      key: flagged('Connect by TLS at uplink.tcp, with a key.'),
      again: flagged('A new key for a program that has one: its messages stay, and the old key is void.'),
      ...TERMS,
    },
    examples: [
      { line: 'sudo newleaf uplink add sensors --group sensors', meaning: 'A socket for users in the group sensors.' },
      { line: 'newleaf uplink add telegraf --key', meaning: 'Prints its key.' },
    ],
    exits: EXITS,
  },
  'uplink list': {
    meaning: 'Show the programs that send through newleaf',
    caller: 'group',
    about: ['Shows for each program what waits, and what became of its messages since the start of the daemon.'],
    options: { json },
    examples: [
      { line: 'newleaf uplink list' },
      { line: "newleaf uplink list --json | jq '.programs[] | select(.queued > 0)'", meaning: 'Those that wait.' },
    ],
    exits: TROUBLE,
  },
  'uplink show': {
    meaning: 'Show how a program connects',
    caller: 'group',
    operands,
    about: ['Prints again what to paste into the program. The key of the program is in it.'],
    options: { json },
    examples: [
      { line: 'newleaf uplink show sensors' },
      { line: 'newleaf uplink show telegraf --json | jq -r .key', meaning: 'Only the key.' },
    ],
    exits: TROUBLE,
  },
  'uplink set': {
    meaning: 'Change the bounds and the priority of a program',
    caller: 'group',
    operands,
    about: [
      'Changes what is named, and nothing else: its messages and its key stay. Its connections are ended, so that it connects again. The value `default` takes away what was set: it is then as in the configuration.',
      'Where messages of several programs wait, those with high priority go first, then normal ones, then bulk. None stands for ever: a bulk program has a turn after 8 of a normal one, or 64 of one with high priority.',
    ],
    options: TERMS,
    examples: [
      { line: 'newleaf uplink set alarms --priority high' },
      {
        line: 'newleaf uplink set log --priority bulk --rate 5 --max-age 2day',
        meaning: 'A backlog that must not be in the way.',
      },
      { line: 'newleaf uplink set log --rate default' },
    ],
    exits: EXITS,
  },
  'uplink forget': {
    meaning: 'End what a program has asked the cloud for, and no longer takes',
    caller: 'group',
    operands,
    about: [
      'A client with CleanSession 0 gets its messages from the cloud also when it was away, for 48 hours. This ends the sessions of clients that are away, and drops the messages that wait for them, unless another client of the program is there.',
    ],
    examples: [{ line: 'newleaf uplink forget sensors' }],
    exits: EXITS,
  },
  'uplink remove': {
    meaning: 'Remove a program, with the messages that wait',
    caller: 'root',
    operands,
    about: ['Shows how many messages would be lost, and asks for the name of the program.'],
    options: { yes: flagged('Do not ask.') },
    examples: [{ line: 'sudo newleaf uplink remove sensors' }],
    exits: { ...EXITS, 1: 'Failed, refused, or not agreed to.' },
  },
} as const satisfies Record<string, CommandOfDaemon>;
