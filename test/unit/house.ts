/** Who may import whom: one rule a folder. A file in no folder of these fails the test. */
export interface Room {
  readonly name: string;
  readonly files: RegExp;
  /** Other rooms. A room may always import itself. */
  readonly may: readonly string[];
  /** Rooms of which it may know the types only. */
  readonly types?: readonly string[];
  /** Packages by name, `node:` for the modules of node, `*` for any package. */
  readonly packages: readonly string[];
  /** Why it may import nothing else. */
  readonly why: string;
}

const AZURE = ['azure-iot-common', 'azure-iot-mqtt-base'];
const PROVISIONING = ['', '-http', '-mqtt'].map((transport) => `azure-iot-provisioning-device${transport}`);
/** What a command of the technician stands on. */
const COMMAND = ['kit', 'cli', 'config', 'roll', 'hsm', 'machine', 'failure'];
const ADAPTER = 'an adapter carries out one effect: order, state and the other adapters are not its concern';

/** In the order of who stands on whom: the first know nothing. */
const FOLDERS: Readonly<Record<string, Omit<Room, 'name' | 'files'>>> = {
  hsm: {
    may: ['connector.ts'],
    packages: ['node:', 'pkcs11js', 'azure-iot-security-tpm', 'tss.js'],
    why: 'token code is proven against real modules by itself, and knows nothing of Azure or of rolling',
  },
  'hsm/connector.ts': {
    may: [],
    packages: ['node:'],
    why: 'how one TLS connection is made is said once, for a key in the token and for none: it knows neither',
  },
  'agent/failure': { may: [], packages: [], why: 'everything fails in its words, so it stands on nothing' },
  'agent/time': { may: [], packages: ['node:'], why: 'everything else is handed its time from here' },
  'agent/roll': {
    may: ['failure'],
    packages: [],
    why: 'the machine is pure: a test walks every state it can reach, and would not see what the outside does',
  },
  'agent/certificate': {
    may: ['failure'],
    types: ['roll'],
    packages: ['node:', 'asn1js'],
    why: 'it says what a certificate is, and every way to one, the token and the checks stand on that: it knows none of them',
  },
  'agent/ask': {
    may: ['failure', 'roll'],
    packages: [],
    why: 'what is asked of the daemon, and what it answers, is said once for every edge: neither edge nor daemon is known here',
  },
  'agent/config': {
    may: ['failure', 'roll'],
    packages: ['node:', 'smol-toml', 'valibot'],
    why: 'a configuration is judged before anything is touched: nothing that touches something may be at hand',
  },
  'agent/machine': {
    may: ['failure', 'roll', 'config', 'hsm'],
    packages: ['node:', 'pino'],
    why: 'it knows the computer that newleaf runs on, and everything may stand on it',
  },
  'agent/mqtt': {
    may: ['connector.ts', 'failure'],
    types: ['hsm'],
    packages: ['node:', 'mqtt', 'mqtt-packet', ...AZURE],
    why: 'it tells what the wire said to any caller: it must not know DPS from hub',
  },
  'agent/network': {
    may: ['connector.ts', 'mqtt', 'failure', 'machine', 'time'],
    packages: ['node:', 'ws'],
    why: 'it makes the way to any server: it must not know what is said on it',
  },
  'agent/dps': {
    may: ['connector.ts', 'network', 'mqtt', 'roll', 'failure', 'time'],
    types: ['hsm'],
    packages: ['node:', ...AZURE, 'azure-iot-http-base', ...PROVISIONING],
    why: ADAPTER,
  },
  'agent/hub': {
    may: ['connector.ts', 'ask', 'mqtt', 'roll', 'failure', 'time'],
    types: ['hsm'],
    packages: ['node:', 'mqtt', ...AZURE, 'azure-iot-device', 'azure-iot-device-mqtt'],
    why: ADAPTER,
  },
  'agent/issuer': {
    may: ['connector.ts', 'certificate', 'network', 'mqtt', 'machine', 'time', 'roll', 'failure'],
    types: ['hsm'],
    packages: ['node:', 'asn1js'],
    why: ADAPTER,
  },
  'agent/state': {
    may: ['certificate', 'machine', 'roll', 'failure'],
    packages: ['node:', 'valibot'],
    why: 'it keeps what must outlive a power cut, and has no opinion about it',
  },
  'agent/keys': {
    may: ['connector.ts', 'certificate', 'time', 'hsm', 'state', 'roll', 'failure', 'machine'],
    packages: ['node:'],
    why: 'it joins the token to the ports of the machine, and has no business with a server or the journal',
  },
  'agent/inbox': {
    may: ['ask', 'roll', 'failure', 'state', 'machine', 'time'],
    packages: ['node:'],
    why: 'it hands on the files that are dropped: their worth, and what follows, is for the daemon to say',
  },
  'agent/uplink': {
    may: ['mqtt', 'failure', 'time', 'state', 'machine', 'hsm'],
    packages: ['node:', 'mqtt-packet'],
    why: 'the programs of the gateway use the session: no failure of theirs may reach the roll, and the roll does not know them',
  },
  'agent/control': {
    may: ['ask', 'roll', 'failure', 'machine', 'time'],
    packages: ['node:'],
    why: 'it hands questions on: what they mean is for the daemon to say',
  },
  'agent/daemon': {
    may: ['ask', 'roll', 'failure', 'state', 'machine', 'time'],
    packages: ['node:'],
    why: 'the loop owns order and sleeping: policy is in roll, and what it calls is handed to it as a port, never as an adapter',
  },
  'agent/assembly': {
    may: [
      'connector.ts',
      'ask',
      'hsm',
      'failure',
      'time',
      'roll',
      'config',
      'machine',
      'mqtt',
      'network',
      'dps',
      'hub',
      'issuer',
      'state',
      'keys',
      'daemon',
    ],
    packages: ['node:'],
    why: 'it joins rooms, and leaves each package to the room that knows it',
  },
  'agent/cli/kit': {
    may: ['failure'],
    packages: ['node:'],
    why: 'the command lines of newleaf and of scripts/enroll stand on it: one of them knows no daemon and no journal',
  },
  'agent/cli': {
    may: ['kit', 'control', 'state', 'config', 'time', 'roll', 'hsm', 'machine', 'failure'],
    types: ['ask'],
    packages: ['node:'],
    why: 'a command reads, or asks the daemon: two writers of one journal or one token would undo each other',
  },
  'agent/cli/proof': {
    may: [
      'connector.ts',
      'cli',
      'state',
      'config',
      'roll',
      'hsm',
      'keys',
      'machine',
      'failure',
      'certificate',
      'dps',
      'issuer',
      'network',
      'mqtt',
      'time',
    ],
    packages: ['node:'],
    why: 'it shows the gateway as the daemon meets it, by the same means, to checks and init alike: what is judged of it is for them to say',
  },
  'agent/cli/checks': {
    may: [...COMMAND, 'proof', 'keys', 'certificate', 'issuer', 'network'],
    packages: ['node:'],
    why: 'a check judges what the daemon relies on, and does none of its work',
  },
  'agent/cli/decommission': {
    may: [...COMMAND, 'run', 'control', 'uplink', 'state'],
    packages: ['node:'],
    why: 'it ends what the daemon has begun, knows whose key is whose, and sends and counts what is lost by that',
  },
  'agent/cli/init': {
    may: [
      'ask',
      'kit',
      'cli',
      'proof',
      'checks',
      'run',
      'config',
      'machine',
      'hsm',
      'certificate',
      'control',
      'state',
      'roll',
      'failure',
      'time',
    ],
    packages: ['node:', 'smol-toml'],
    why: 'it asks and writes the configuration: what may crash is another process, and the daemon is started as `run` does it',
  },
  'agent/cli/run': {
    may: [
      'ask',
      'kit',
      'cli',
      'assembly',
      'daemon',
      'control',
      'inbox',
      'mqtt',
      'uplink',
      'state',
      'config',
      'roll',
      'hsm',
      'machine',
      'failure',
      'time',
    ],
    packages: ['node:'],
    why: 'it starts the daemon, and does none of its work',
  },
  'agent/rehearsal': {
    may: ['connector.ts', 'run', 'assembly', 'config', 'daemon', 'hub', 'machine', 'roll', 'time'],
    packages: ['node:', 'mqtt-packet'],
    why: 'it plays a start for the code cache: what it stands on is handed to it, as that must be of the file that starts',
  },
  'agent/launch': {
    may: ['main', 'kit', 'cli', 'run', 'assembly', 'rehearsal', 'hsm', 'machine', 'failure', 'time'],
    packages: ['node:'],
    why: 'it says in which files the program is, and loads the one that a command needs',
  },
  'test/simulator': {
    may: [],
    packages: ['node:', '*'],
    why: 'the far side is written a second time on purpose: what it shared with the agent, it could not contradict',
  },
};

const inside = (folder: string): RegExp => {
  const own = Object.keys(FOLDERS).filter((other) => other.startsWith(`${folder}/`));
  const end = folder.endsWith('.ts') ? '$' : '/';
  return new RegExp(`^${folder}${end}${own.map((other) => `(?!${other.slice(folder.length + 1)}(/|$))`).join('')}`);
};

export const HOUSE: readonly Room[] = [
  ...Object.entries(FOLDERS).map(([folder, rule]) => ({
    name: folder.slice(folder.lastIndexOf('/') + 1),
    files: inside(folder),
    ...rule,
  })),
  {
    name: 'main',
    files: /^agent\/main\.ts$/,
    may: [
      'launch',
      'kit',
      'cli',
      'proof',
      'checks',
      'decommission',
      'init',
      'run',
      'hsm',
      'machine',
      'failure',
      'time',
    ],
    packages: ['node:'],
    why: 'it finds the command, and does none of its work',
  },
];

/** Arrows with a reason of their own, which says more than that of the room. */
export const ARROWS: Readonly<Record<string, string>> = {
  'roll → node:': 'clock, dice and disk are handed in: else a test could not turn them',
  'hsm → failure': 'hsm/ has failures of its own, and failure-of.ts translates them',
  'dps → hub': 'DPS assigns a hub, and what follows from that is for the machine to say',
  'hub → dps': 'a refusal by the hub must become a decision before anybody asks DPS',
  'dps → state': 'intent is written before the effect: not by the one who carries it out',
  'hub → state': 'intent is written before the effect: not by the one who carries it out',
  'issuer → state': 'intent is written before the effect: not by the one who carries it out',
  'daemon → hsm': 'keys are reached through a port: the loop is tested without a token',
};
