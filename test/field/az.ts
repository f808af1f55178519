// Plays the Azure CLI in front of a simulator: the commands that scripts/field/azure uses, as strict about arguments as the real
// one. What it has made is in the directory NEWLEAF_FAKE_AZ, with each command that it was called by.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connectSimulator } from '../simulator/client.ts';
import { FLAGS, GLOBAL, WORDS } from './az-words.ts';

export interface Group {
  tags?: Record<string, string>;
  hub?: string;
  dps?: string;
  isLinked?: boolean;
  certificates: string[];
}

export interface Cloud {
  groups: Record<string, Group>;
}

/** What a test has asked for: how one command ends. */
export interface Plan {
  /** As `group create`. */
  readonly at?: string;
  /** `fail`: at once · `fail-after`: it has its effect · `hold`: it waits, before its effect, until the file `go` is there */
  readonly how?: 'fail' | 'fail-after' | 'hold';
  /** As long as this is not 0; default: for ever. */
  readonly times?: number;
  readonly isLoggedOut?: boolean;
  /** Each group is there already, of another. */
  readonly isTaken?: boolean;
}

type Options = Readonly<Record<string, string>>;

const home = process.env.NEWLEAF_FAKE_AZ ?? '';
const file = (name: string): string => join(home, name);
const read = <T>(name: string): T => JSON.parse(readFileSync(file(name), 'utf8'));
const plan: Plan = existsSync(file('plan.json')) ? read('plan.json') : {};
let cloud: Cloud = { groups: {} };
const far = await connectSimulator(readFileSync(file('control'), 'utf8'));
const keyOf = (connection: string): string => /SharedAccessKey=(.*)$/.exec(connection)?.[1] ?? '';
const hostOf = (connection: string): string => /HostName=([^;]*)/.exec(connection)?.[1] ?? '';

/** Ends as `az` does: 2 for arguments, 3 for what is not there, 1 for the rest. */
function end(code: number, words: string): never {
  console.error(`ERROR: ${words}`);
  process.exit(code);
}

function parsed(argv: readonly string[]): readonly [string, Options] {
  const first = argv.findIndex((word) => word.startsWith('-'));
  const verb = argv.slice(0, first === -1 ? argv.length : first).join(' ');
  const words = WORDS[verb] ?? end(2, `'${argv.join(' ')}' is misspelled or not recognized by the system.`);
  const known = [...words.required, ...words.optional, ...GLOBAL];
  const options: Record<string, string> = {};
  const rest = argv.slice(verb.split(' ').length);
  while (rest.length > 0) {
    const word = rest.shift() ?? '';
    const names =
      known.find((one) => (one as readonly string[]).includes(word)) ?? end(2, `unrecognized arguments: ${word}`);
    const value = FLAGS.includes(word) ? 'true' : rest.shift();
    if (value === undefined || value.startsWith('--')) end(2, `argument ${names.join('/')}: expected one argument`);
    options[names[0] ?? ''] = value;
  }
  const missing = words.required.filter(([name = '']) => options[name] === undefined);
  if (missing.length > 0)
    end(2, `the following arguments are required: ${missing.map((one) => one.join('/')).join(', ')}`);
  return [verb, options];
}

const groupOf = (options: Options): Group =>
  cloud.groups[options['--resource-group'] ?? ''] ??
  end(3, `(ResourceGroupNotFound) Resource group '${options['--resource-group']}' could not be found.`);
const hubOf = (name: string | undefined): Group =>
  Object.values(cloud.groups).find(({ hub }) => hub === name) ??
  end(3, `(ResourceNotFound) The hub ${name} was not found.`);
const dpsOf = (name: string | undefined): Group =>
  Object.values(cloud.groups).find(({ dps }) => dps === name) ??
  end(3, `(ResourceNotFound) The DPS ${name} was not found.`);

const EFFECTS: Readonly<Record<string, (options: Options) => unknown>> = {
  version: () => ({ 'azure-cli': '2.67.0', 'azure-cli-core': '2.67.0', extensions: { 'azure-iot': '0.25.0' } }),
  'account show': () =>
    plan.isLoggedOut
      ? end(1, "Please run 'az login' to setup account.")
      : { name: 'a subscription', id: '3f1c2a76-5e0b-4b5e-9d53-6f6c0d2f9a11' },
  'group exists': ({ '--name': name = '' }) => plan.isTaken === true || cloud.groups[name] !== undefined,
  // It takes a group that is there, and writes its tags anew.
  'group create': ({ '--name': name = '', '--tags': tags }) => {
    const [key = '', value = ''] = tags?.split('=') ?? [];
    cloud.groups[name] = { certificates: [], ...cloud.groups[name], tags: { [key]: value } };
  },
  'group show': ({ '--name': name = '', '--query': query }) => {
    const group = cloud.groups[name] ?? end(3, `(ResourceGroupNotFound) Resource group '${name}' could not be found.`);
    return query === 'tags' ? (group.tags ?? null) : { name, tags: group.tags };
  },
  'group delete': ({ '--name': name = '', '--yes': yes }) => {
    // Without a terminal it cannot ask.
    if (yes === undefined) end(1, 'Unable to prompt for confirmation as no tty available. Use --yes.');
    if (cloud.groups[name] === undefined)
      end(3, `(ResourceGroupNotFound) Resource group '${name}' could not be found.`);
    delete cloud.groups[name];
  },
  'iot hub create': (options) => {
    const group = groupOf(options);
    if (options['--sku'] !== 'F1') end(1, 'This is no free hub.');
    if (options['--partition-count'] !== '2') end(1, '(400290) The partition count of a free hub must be 2.');
    const hasFree = Object.values(cloud.groups).some(({ hub }) => hub !== undefined);
    if (hasFree) end(1, '(403013) Max number of Iot Hubs exceeded for sku = Free, Max Allowed = 1.');
    group.hub = options['--name'] ?? '';
  },
  'iot hub show': ({ '--name': name }) => {
    hubOf(name);
    return { name, properties: { hostName: hostOf(far.endpoints.hub1Service) }, sku: { name: 'F1' } };
  },
  'iot hub policy show': ({ '--hub-name': hub, '--name': keyName }) => {
    hubOf(hub);
    if (keyName !== 'iothubowner') end(3, `(ResourceNotFound) There is no policy ${keyName}.`);
    const key = keyOf(far.endpoints.hub1Service);
    return {
      keyName,
      primaryKey: key,
      secondaryKey: key,
      rights: 'RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect',
    };
  },
  'iot dps create': (options) => {
    groupOf(options).dps = options['--name'] ?? '';
  },
  'iot dps show': ({ '--name': name }) => {
    dpsOf(name);
    const { dps, dpsService, idScope } = far.endpoints;
    const properties = { idScope, deviceProvisioningHostName: dps, serviceOperationsHostName: hostOf(dpsService) };
    return { name, properties };
  },
  'iot dps policy show': ({ '--dps-name': dps, '--pn': keyName }) => {
    dpsOf(dps);
    if (keyName !== 'provisioningserviceowner') end(3, `(ResourceNotFound) There is no policy ${keyName}.`);
    const key = keyOf(far.endpoints.dpsService);
    return { keyName, primaryKey: key, secondaryKey: key, rights: 'ServiceConfig, DeviceConnect, EnrollmentWrite' };
  },
  'iot dps linked-hub create': ({ '--dps-name': dps, '--hub-name': hub, '--connection-string': connection }) => {
    if (hub === undefined && connection === undefined) end(1, 'Please provide the hub name or its connection string.');
    hubOf(hub);
    dpsOf(dps).isLinked = true;
  },
  'iot dps certificate create': async ({
    '--dps-name': dps,
    '--certificate-name': name,
    '--path': path,
    '--verified': verified,
  }) => {
    const { certificates } = dpsOf(dps);
    if (!existsSync(path ?? '')) end(1, `[Errno 2] No such file or directory: '${path}'`);
    if (certificates.includes(name ?? ''))
      end(1, `Certificate '${name}' already exists. Use 'iot dps certificate update'.`);
    const pem = readFileSync(path ?? '', 'utf8');
    if (verified === 'true') await far.trustCa(pem);
    certificates.push(name ?? '');
  },
  'iot device c2d-message send': async ({
    '--hub-name': hub,
    '--device-id': id = '',
    '--data': data = 'Ping from Az CLI IoT Extension',
  }) => {
    hubOf(hub);
    await far.sendToDevice(id, data);
  },
};

const [verb, options] = parsed(process.argv.slice(2));
const note = (what: string): void =>
  appendFileSync(file('called'), `${JSON.stringify({ what, verb, argv: process.argv.slice(2) })}\n`);
const before = existsSync(file('called'))
  ? readFileSync(file('called'), 'utf8')
      .split('\n')
      .filter((line) => line.includes(`"begun","verb":"${verb}"`)).length
  : 0;
note('begun');
const isPlanned = plan.at === verb && before < (plan.times ?? Number.POSITIVE_INFINITY);
if (isPlanned && plan.how === 'fail') end(1, '(InternalServerError) It was asked to fail.');
while (isPlanned && plan.how === 'hold' && !existsSync(file('go'))) await pause(50);
if (existsSync(file('cloud.json'))) cloud = read('cloud.json');
const answer = await EFFECTS[verb]?.(options);
writeFileSync(file('cloud.json'), JSON.stringify(cloud));
note('done');
if (isPlanned && plan.how === 'fail-after') end(1, '(GatewayTimeout) It took effect, and the answer was lost.');
if (answer !== undefined) console.log(JSON.stringify(answer));
