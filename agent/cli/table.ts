import { type CommandOfDaemon, flagged, type Tool, valued } from './kit/tool.ts';
import { CODE_TOPICS } from './table-codes.ts';
import { INIT_OPTIONS } from './table-init.ts';
import { UPLINK_COMMANDS } from './table-uplink.ts';

/** Options of every command. */
const GLOBAL_OPTIONS = {
  config: valued('FILE', 'The configuration. Without it NEWLEAF_CONFIG, then /etc/newleaf/newleaf.toml.'),
  instance: valued('NAME', 'Another daemon of this gateway: the configuration /etc/newleaf/NAME/newleaf.toml.'),
  help: { ...flagged('Explain the command.'), short: 'h' },
} as const;

const json = flagged('Print JSON, whose schema is kept stable.');
const wait = flagged('Follow the request to its end, and exit by how it ended.');
const timeout = valued('TIME', 'With --wait: stop waiting after this time, as in 90s or 10min. The request goes on.');
const id = valued('ID', 'Name the request. The same ID again gives its outcome.');
/** Exit codes, where a command has no more exact meaning. */
const EXITS = {
  0: 'Done.',
  1: 'Failed.',
  2: 'Wrong command line or configuration.',
  3: 'Connected, but on the previous leaf.',
  4: 'A person is needed; the sentence says who and what.',
  5: 'The daemon does not run.',
  6: 'Restart me (run only).',
} as const satisfies Record<number, string>;

const { 2: usage, 3: kept, 4: person, 5: down } = EXITS;
const asked = {
  0: 'Done; without --wait: accepted.',
  1: 'Failed, not accepted now, or not finished within --timeout.',
  2: usage,
  3: kept,
  4: person,
  5: down,
} as const;

const COMMANDS = {
  init: {
    meaning: 'Set this gateway up, step by step',
    caller: 'root',
    about: [
      'Finds the PKCS#11 modules and tokens of this gateway, or makes a token; asks who signs the leaves; writes the configuration; makes the key, gets the first leaf, registers it with DPS, and proves the connection to the hub. Where DPS refuses the leaf, it shows what the operator needs, and waits.',
      'It may be stopped at any time and called again: it goes on where it stopped. With a complete configuration it asks nothing. Each question has an option; with --yes all of it runs by itself. Called by root, it works as the user of the daemon wherever the daemon must be able to do the same.',
    ],
    options: INIT_OPTIONS,
    examples: [
      { line: 'sudo newleaf init', meaning: 'Asks for everything that is needed.' },
      {
        line: 'newleaf init --yes --id-scope 0ne00ABCDEF --issuer inbox --new-token softhsm',
        meaning: 'In a script, with a new token and the host name as registration ID.',
      },
    ],
    exits: { 0: 'Done: the hub has accepted the leaf.', 1: 'Failed, or interrupted.', 2: usage, 4: person },
  },
  status: {
    meaning: 'Show the leaf, the connection, and what to do',
    caller: 'group',
    about: [
      'Shows which leaf is in use and until when, what newleaf is working on, and what a person must do, if anything.',
      'The last block names all that is wrong, a cause before its effects: the clock, then disk and token, the leaf, its candidate, the servers, the network, and the programs. The exit code follows it: 0 only where there is nothing to do.',
      'Where the daemon does not run, the last known state is shown if the state file can be read.',
    ],
    options: {
      json,
      watch: { ...flagged('Go on showing it: drawn over on a terminal, else a line for each change.'), short: 'w' },
    },
    examples: [
      { line: 'newleaf status', meaning: 'On one screen.' },
      { line: 'newleaf status --json | jq -r .leaf.notAfter', meaning: 'When the leaf expires.' },
      { line: 'newleaf status --watch', meaning: 'See a roll happen. Ctrl-C ends it.' },
    ],
    exits: {
      0: 'Online, or at work, and there is nothing to do; newleaf may be waiting for a server that is away.',
      1: 'Offline, or something is wrong that does not pass by itself: clock, disk, token, an expired leaf, an issuer that refuses, a program.',
      2: usage,
      4: 'A person is needed: stranded, parked candidate, or no leaf and an issuer that needs a person.',
      5: down,
    },
  },
  check: {
    meaning: 'Check everything that newleaf relies on',
    caller: 'root',
    operands: { shown: '[NAME...]', most: Number.POSITIVE_INFINITY },
    about: [
      'Checks configuration, files, token, key, leaf, network and daemon, each by itself, and names cause and next step of each failure. Nothing is changed. A check runs after those it depends on.',
      'Called by root, it looks as the user of the daemon; other users are told which files they may not read, and how many checks that leaves out. Nothing is registered, and the session with the hub goes on.',
      'It logs in to the token once, with the PIN that newleaf uses. A PIN that was refused before is not tried again. A PKCS#11 module that hangs is given up after 20 seconds.',
    ],
    options: { json },
    examples: [
      { line: 'sudo newleaf check', meaning: 'Everything.' },
      { line: 'newleaf check dps-reach hub-reach', meaning: 'Only the network.' },
    ],
    exits: {
      0: 'All is well, perhaps with warnings.',
      1: 'Something failed.',
      2: usage,
      4: 'Nothing failed, but this user may not look at all of it.',
    },
  },
  roll: {
    meaning: 'Replace the leaf, with a new key',
    caller: 'group',
    about: [
      'Makes a new key in the token, gets a new leaf with the same CN, registers it and connects with it. The old key is destroyed only after that has worked.',
    ],
    options: { wait, timeout, discard: flagged('Drop the parked candidate first.'), id },
    examples: [
      { line: 'newleaf roll --wait', meaning: 'And see how it ends.' },
      { line: 'newleaf roll --discard', meaning: 'Give up the candidate that DPS refuses, and make another.' },
    ],
    exits: asked,
  },
  reprovision: {
    meaning: 'Register the current leaf with DPS again',
    caller: 'group',
    about: [
      'Registers the leaf again and connects to the hub that DPS assigns. A parked candidate is asked for first.',
    ],
    options: { wait, timeout, id },
    examples: [{ line: 'newleaf reprovision --wait', meaning: 'And see how it ends.' }],
    exits: asked,
  },
  csr: {
    meaning: 'Print a CSR for the next key',
    caller: 'group',
    about: [
      'Prints the certification request (PKCS#10, PEM) of the next key, which is made if there is none. Asking again gives the CSR of the same key, until a leaf is installed.',
    ],
    options: {
      out: { ...valued('FILE', 'Write it there instead of to stdout.'), short: 'o' },
      'new-key': flagged('Make another key, and forget the one before.'),
      onboarding: flagged('Where Azure issues the leaves: for another certificate of the onboarding key.'),
    },
    examples: [{ line: 'newleaf csr -o gw.csr', meaning: 'For the person who signs it.' }],
    exits: { 0: 'Done.', 1: 'Failed.', 2: usage, 4: person, 5: down },
  },
  install: {
    meaning: 'Install a signed leaf',
    caller: 'group',
    operands: { shown: 'FILE', least: 1, most: 1 },
    about: [
      'Hands over a leaf, with or without its intermediates: PEM, DER or PKCS#7. FILE is - for stdin. Key, CN, use, validity and chain are verified first, and a refusal names what differs. Then the leaf is registered, and newleaf connects with it. The leaf before it is given up only after that has worked.',
      'A file that is put into inbox/ of state.directory is installed in the same way, and may wait there until it is valid.',
    ],
    options: {
      wait,
      timeout,
      id,
      onboarding: flagged('Where Azure issues the leaves: another certificate of the onboarding key.'),
    },
    examples: [
      { line: 'newleaf install gw.pem --wait', meaning: 'And see how it ends.' },
      { line: 'ssh ca sign <gw.csr | newleaf install -', meaning: 'Straight from the CA.' },
    ],
    exits: { ...asked, 1: 'Failed, refused, not accepted now, or not finished within --timeout.' },
  },
  tpm: {
    meaning: 'Print what DPS must know of this TPM',
    caller: 'root',
    about: [
      'Prints the registration ID, the endorsement key and the storage root key, and the command that enrolls this gateway with DPS for attestation by its TPM. The keys are public. A TPM that has none yet makes them now.',
      'Without a configuration the TPM at /dev/tpmrm0 is asked, and the registration ID is the one that follows from its endorsement key.',
    ],
    options: { json },
    examples: [
      { line: 'sudo newleaf tpm', meaning: 'For the person who enrolls this gateway.' },
      { line: 'newleaf tpm --json | jq -r .endorsementKey', meaning: 'Only the key.' },
    ],
    exits: { 0: 'Done.', 1: 'There is no TPM, or it failed.', 2: usage },
  },
  ...UPLINK_COMMANDS,
  'support-bundle': {
    meaning: 'Collect what a distant engineer needs, without secrets',
    caller: 'root',
    about: [
      'Writes one .tar.gz, which only you can read: settings, status, checks, state, certificates, metrics, log, versions, unit, disk, memory, time, network, and the modes of the files. PIN, passwords, keys and private settings are taken out. A part that cannot be collected is replaced by a sentence: the command works without the daemon, and with a broken configuration.',
      'As root it finds everything. It logs in to the token once, as `newleaf check` does.',
    ],
    options: {
      out: {
        ...valued('FILE', 'Write it there instead of to the directory for temporary files; `-`: to stdout.'),
        short: 'o',
      },
    },
    examples: [{ line: 'sudo newleaf support-bundle', meaning: 'Prints where it is, and what is in it.' }],
    exits: {
      0: 'Done, even where a part could not be collected.',
      1: 'The file cannot be written.',
      2: 'Wrong command line.',
    },
  },
  decommission: {
    meaning: 'Give this gateway up: destroy its keys and state',
    caller: 'root',
    about: [
      'Destroys the keys that newleaf has made in the token, with their certificates, or the key that DPS has sent to the TPM, and what newleaf knows. A key that was there before newleaf (hsm.key) stays, and so do configuration and PIN. The command first shows what it destroys, and asks for the registration ID.',
      'The daemon must not run. If the power fails on the way, the same command finishes. After that the daemon refuses to start, also after a reboot, until `newleaf init` begins anew.',
    ],
    options: {
      yes: flagged('Do not ask.'),
      'key-id': {
        ...valued('ID', 'A key of this gateway, by its CKA_ID, that its records do not name.'),
        multiple: true,
      },
      'token-lost': flagged('Where the token is not there, it is lost for good: destroy the state alone.'),
    },
    examples: [
      { line: 'sudo newleaf decommission', meaning: 'Before the gateway is sold, scrapped, or given another name.' },
    ],
    exits: {
      0: 'All is gone, or there was nothing.',
      1: 'Failed, or not agreed to.',
      2: usage,
      4: 'The PIN is wrong, locked, or cannot be read.',
    },
  },
  config: {
    meaning: 'Print the configuration that is in effect',
    caller: 'user',
    about: ['Prints every setting with its value and where that comes from. There are no secrets in it.'],
    options: {},
    examples: [{ line: 'newleaf config --config draft.toml', meaning: 'See whether a draft is accepted.' }],
    exits: { 0: 'Done.', 2: 'The configuration is wrong; every mistake is named with its line.' },
  },
  run: {
    meaning: 'Run the daemon',
    caller: 'user',
    about: ['Keeps the leaf valid and the gateway connected, until it is told to stop. The systemd unit calls this.'],
    options: {},
    examples: [{ line: 'newleaf run', meaning: 'In the foreground, logging to stdout.' }],
    exits: {
      0: 'Told to stop.',
      1: 'Failed.',
      2: usage,
      4: 'Corrupt state or refused PIN: a restart does not help.',
      6: 'Restart me: the PKCS#11 module has lost its state.',
    },
  },
  version: {
    meaning: 'Print the version',
    caller: 'user',
    about: [],
    options: { json },
    examples: [{ line: 'newleaf version', meaning: '' }],
    exits: { 0: 'Done.' },
  },
} as const satisfies Record<string, CommandOfDaemon>;

export type CommandName = keyof typeof COMMANDS;

export const NEWLEAF: Tool<CommandName> = {
  name: 'newleaf',
  purpose: 'newleaf keeps the leaf of an Azure IoT gateway, with its key in an HSM or TPM.',
  commands: COMMANDS,
  options: GLOBAL_OPTIONS,
  exits: EXITS,
  begin: ['New gateway: newleaf init. How it is: newleaf status. When red: newleaf check.'],
  families: { uplink: 'Let programs send through newleaf' },
  topics: CODE_TOPICS,
};
