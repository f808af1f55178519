import { brokenCode, refusedCode, transientCode } from './code.ts';

/** Faults of the uplink: none of them touches the leaf or the session with the hub. */
export const UPLINK = {
  'NL-UPLINK-FULL': refusedCode(
    'The queue of a program is full: its new messages are refused.',
    'See with `newleaf uplink list` how old the oldest message is; reach the hub again, or raise uplink.max_bytes, or the bound that was set for this program.',
  ),
  'NL-UPLINK-DISK': brokenCode(
    'A message of a program cannot be written to disk, so it is not acknowledged.',
    'Make room on the file system of state.directory. The program sends the message again.',
  ),
  'NL-UPLINK-SOCKET': brokenCode(
    'A socket for the programs of this gateway cannot be opened.',
    'It is tried again each minute. Where the port is taken, end what has it (`ss -ltnp`), or change uplink.tcp; where the directory is wrong, `newleaf uplink add NAME` puts it right.',
  ),
  'NL-UPLINK-KEY': brokenCode(
    'The key of a program is damaged on disk: the program cannot connect, and its messages go on.',
    'Make a new key for it with `newleaf uplink add NAME --key --again`, which keeps its messages, and give it to the program. Look at the disk.',
  ),
  'NL-UPLINK-POISON': refusedCode(
    'The hub closes the session over one message of a program: it was set aside.',
    'Operator of the program: look at the message in uplink/NAME/rejected of state.directory; the program needs a repair.',
  ),
  'NL-UPLINK-CONTENT': refusedCode(
    'A program has sent a message that no hub takes: it was acknowledged, and set aside.',
    'Operator of the program: its reason is in uplink/NAME/rejected of state.directory; the program needs a repair.',
  ),
  'NL-UPLINK-PROTOCOL': refusedCode(
    'newleaf closed a connection of a program, as a hub would: it broke MQTT 3.1.1, sent by QoS 2, or two of its clients have one client ID. Most programs connect again, and do the same again.',
    'Operator of the program: it needs MQTT 3.1.1, QoS 0 or 1, and another client ID for each of its clients.',
  ),
  'NL-UPLINK-UNTAKEN': refusedCode(
    'A program does not take its messages from the cloud: some were set aside after ten deliveries, or lost.',
    'Operator of the program: it must be connected, subscribe, and send a PUBACK for each message. Where it needs none, `newleaf uplink forget NAME`.',
  ),
  'NL-UPLINK-PROGRAM': refusedCode(
    'That is no name of a program, or there is no such program.',
    'A name is 1 to 32 letters, digits, - and _; `newleaf uplink list` shows the programs.',
  ),
  'NL-UPLINK-STANDS': refusedCode(
    'The session with the hub is open, and for ten minutes the oldest message of a program has not moved.',
    'See in the log what comes before: `journalctl -u newleaf --grep uplink-`. For the hub: operator of the hub, look at its quota. For the program: it must be connected, subscribe, and send PUBACKs, see `newleaf uplink list`; where it needs none, `newleaf uplink forget NAME`.',
  ),
  'NL-UPLINK-THROTTLED': transientCode(
    'The hub closes the session while messages of programs are on their way, or sends no PUBACK: they are sent more slowly. Or it has put off for ten minutes what programs reported while it was away.',
    'Operator of the hub: look at its quota and its throttling. Nothing is lost; the messages wait on the gateway.',
  ),
} as const;
