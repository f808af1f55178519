/** Who may import whom. A file that is in no layer fails the test: whoever adds it says here where it belongs. */
export interface Layer {
  readonly name: string;
  readonly files: RegExp;
  /** Other layers. A layer may always import itself. */
  readonly may: readonly string[];
  /** Layers of which it may know the types only. */
  readonly types?: readonly string[];
  /** Packages by name, `node:` for the modules of node, `*` for any package. */
  readonly packages: readonly string[];
  /** Why it may import nothing else. */
  readonly why: string;
}

const AZURE = ['azure-iot-common', 'azure-iot-mqtt-base'];
const PROVISIONING = ['', '-http', '-mqtt'].map((transport) => `azure-iot-provisioning-device${transport}`);
const ADAPTER = 'an adapter carries out one effect: order, state and the other adapters are not its concern';

export const HOUSE: readonly Layer[] = [
  {
    name: 'roll',
    files: /^agent\/roll\//,
    may: [],
    packages: [],
    why: 'the machine is pure: a test walks every state it can reach, and would not see what the outside does',
  },
  {
    name: 'hsm',
    files: /^hsm\//,
    may: [],
    packages: ['node:', 'pkcs11js', 'azure-iot-security-tpm', 'tss.js'],
    why: 'token code is proven against real modules by itself, and knows nothing of Azure or of rolling',
  },
  {
    name: 'mqtt',
    files: /^agent\/mqtt\//,
    may: ['roll'],
    types: ['hsm'],
    packages: ['node:', 'mqtt', 'mqtt-packet', ...AZURE],
    why: 'it tells what the wire said, whoever asks: it must not know DPS from hub',
  },
  {
    name: 'dps',
    files: /^agent\/dps\//,
    may: ['mqtt', 'roll'],
    types: ['hsm'],
    packages: ['node:', ...AZURE, 'azure-iot-http-base', ...PROVISIONING],
    why: ADAPTER,
  },
  {
    name: 'hub',
    files: /^agent\/hub\//,
    may: ['mqtt', 'roll'],
    types: ['hsm'],
    packages: ['node:', 'mqtt', ...AZURE, 'azure-iot-device', 'azure-iot-device-mqtt'],
    why: ADAPTER,
  },
  {
    name: 'issuer',
    files: /^agent\/issuer\//,
    may: ['roll'],
    types: ['hsm'],
    packages: ['node:', 'asn1js'],
    why: ADAPTER,
  },
  {
    name: 'keys',
    files: /^agent\/(keys|hub-key)\.ts$/,
    may: ['hsm', 'issuer', 'durable', 'roll'],
    packages: ['node:'],
    why: 'it joins the token to the port of the machine, and has no business with a server or the journal',
  },
  {
    name: 'thrown',
    files: /^agent\/thrown\.ts$/,
    may: ['errno', 'roll'],
    packages: [],
    why: 'whatever is thrown is named in one place, which knows the names only',
  },
  { name: 'errno', files: /^agent\/errno\.ts$/, may: [], packages: [], why: 'what passes is the same for all' },
  {
    name: 'become',
    files: /^agent\/become(\.ts$|\/)/,
    may: ['hsm', 'config', 'roll'],
    packages: ['node:'],
    why: 'who a command works as is settled before it works: nothing that works may be at hand',
  },
  {
    name: 'terms',
    files: /^agent\/terms\.ts$/,
    may: ['roll', 'build', 'config'],
    packages: [],
    why: 'what is fixed for the rules follows from configuration and build alone',
  },
  {
    name: 'perform',
    files: /^agent\/perform\.ts$/,
    may: ['roll', 'thrown'],
    packages: [],
    why: 'it calls ports, never adapters: a test puts others in their place',
  },
  {
    name: 'durable',
    files: /^agent\/(durable|lock|last-words|start-note)\.ts$/,
    may: ['roll'],
    packages: ['node:'],
    why: 'all that is written stands on it',
  },
  {
    name: 'entry',
    files: /^agent\/entry\.ts$/,
    may: ['roll'],
    packages: ['valibot'],
    why: 'the form of a state is judged without a disk',
  },
  {
    name: 'journal',
    files: /^agent\/journal\.ts$/,
    may: ['errno', 'durable', 'entry', 'roll'],
    packages: ['node:'],
    why: 'it keeps a state, and has no opinion about it',
  },
  {
    name: 'files',
    files: /^agent\/files\.ts$/,
    may: ['durable', 'issuer', 'roll'],
    packages: ['node:'],
    why: 'it writes what others read, and nothing reads it back',
  },
  {
    name: 'clock',
    files: /^agent\/(clock|dialling)\.ts$/,
    may: [],
    packages: ['node:'],
    why: 'everything else is handed its time from here',
  },
  {
    name: 'notify',
    files: /^agent\/notify\.ts$/,
    may: [],
    packages: ['node:'],
    why: 'it speaks to systemd, and to nobody else',
  },
  {
    name: 'log',
    files: /^agent\/log\.ts$/,
    may: ['roll'],
    packages: ['node:', 'pino'],
    why: 'everything may log, so it may depend on nothing that logs',
  },
  { name: 'build', files: /^agent\/build\.ts$/, may: [], packages: [], why: 'it holds what the build put in' },
  {
    name: 'exit',
    files: /^agent\/exit\.ts$/,
    may: ['roll'],
    packages: [],
    why: 'an exit code follows from a failure and from nothing else',
  },
  {
    name: 'config',
    files: /^agent\/config(\.ts$|\/)/,
    may: ['errno', 'roll'],
    packages: ['node:', 'smol-toml', 'valibot'],
    why: 'a configuration is judged before anything is touched: nothing that touches something may be at hand',
  },
  {
    name: 'control',
    files: /^agent\/control(\.ts$|\/)/,
    may: ['errno', 'roll', 'log'],
    packages: ['node:'],
    why: 'it hands questions on: what they mean is for the daemon to say',
  },
  {
    name: 'inbox',
    files: /^agent\/inbox(\.ts$|\/)/,
    may: ['roll', 'clock', 'durable', 'log', 'thrown'],
    packages: ['node:'],
    why: 'it hands on what somebody drops: what that is worth, and what follows, is for the daemon to say',
  },
  {
    name: 'control-client',
    files: /^agent\/control-client\.ts$/,
    may: ['roll'],
    packages: ['node:'],
    why: 'a command starts fast: it asks over the socket, and carries no daemon with it',
  },
  {
    name: 'daemon',
    files:
      /^agent\/(daemon|answer|brake|delivery|first-leaf|intent|lanes?|metrics|persistence|publication|queue|reported|transcript|vitals)\.ts$/,
    may: ['roll', 'perform', 'thrown', 'journal', 'entry', 'durable', 'clock', 'log', 'notify', 'build'],
    packages: ['node:'],
    why: 'the loop owns order and sleeping: policy is in roll, and whatever it calls is handed to it as a port',
  },
  {
    name: 'checks',
    files: /^agent\/cli\/checks\//,
    may: ['cli', 'journal', 'entry', 'config', 'roll', 'hsm', 'keys', 'build', 'thrown', 'become', 'issuer'],
    packages: ['node:'],
    why: 'a check sees what the daemon relies on by the same means, and does none of its work',
  },
  {
    name: 'cli',
    files: /^agent\/cli\/(?!checks\/)/,
    may: ['control-client', 'journal', 'entry', 'durable', 'config', 'roll', 'hsm', 'build', 'exit', 'thrown'].concat([
      'terms',
      'become',
      'checks',
    ]),
    packages: ['node:'],
    why: 'a command reads, or asks the daemon: two writers of one journal or one token would undo each other',
  },
  {
    name: 'decommission',
    files: /^agent\/decommission(\.ts$|\/)/,
    may: ['become', 'cli', 'config', 'control-client', 'durable', 'exit', 'hsm', 'journal', 'roll', 'thrown'],
    packages: ['node:'],
    why: 'it ends what the others keep, and has nothing to learn from them',
  },
  {
    name: 'init',
    files: /^agent\/init\//,
    may: [
      'cli',
      'config',
      'become',
      'hsm',
      'issuer',
      'control-client',
      'journal',
      'entry',
      'durable',
      'roll',
      'exit',
    ].concat(['thrown', 'checks']),
    packages: ['node:'],
    why: 'it asks and writes the configuration: what may crash is another process, and the daemon is handed to it',
  },
  {
    name: 'main',
    files: /^agent\/(main|run|init|assembly|tpm-assembly|foundation|attested|issuers)\.ts$/,
    may: [
      'hsm',
      'roll',
      'mqtt',
      'dps',
      'hub',
      'issuer',
      'keys',
      'perform',
      'thrown',
      'terms',
      'durable',
      'entry',
      'journal',
      'files',
    ].concat([
      'clock',
      'notify',
      'log',
      'build',
      'exit',
      'config',
      'control',
      'control-client',
      'inbox',
      'daemon',
      'cli',
      'checks',
      'become',
      'decommission',
      'init',
    ]),
    packages: ['node:'],
    why: 'it joins layers, and leaves each package to the layer that knows it',
  },
  {
    name: 'simulator',
    files: /^test\/simulator\//,
    may: [],
    packages: ['node:', '*'],
    why: 'the far side is written a second time on purpose: what it shared with the agent, it could not contradict',
  },
];

/** Arrows with a reason of their own, which says more than that of the layer. */
export const ARROWS: Readonly<Record<string, string>> = {
  'roll → node:': 'clock, dice and disk are handed in: else a test could not turn them',
  'hsm → roll': 'hsm/ has failures of its own, and thrown.ts translates them',
  'dps → hub': 'DPS assigns a hub, and what follows from that is for the machine to say',
  'hub → dps': 'a refusal by the hub must become a decision before anybody asks DPS',
  'dps → journal': 'intent is written before the effect: not by the one who carries it out',
  'hub → journal': 'intent is written before the effect: not by the one who carries it out',
  'issuer → journal': 'intent is written before the effect: not by the one who carries it out',
  'daemon → hsm': 'keys are reached through a port: the loop is tested without a token',
};
