import { type Jobs, thisProgram } from '../hsm/job.ts';
import { TOKEN_JOBS } from '../hsm/jobs.ts';
import { type Commands, program } from './launch/program.ts';

/** Work for processes of their own. */
const JOBS: Jobs = {
  ...TOKEN_JOBS,
  /** For `check` and `init`: loads a PKCS#11 module, which may hang or crash, as the daemon where that is wanted. */
  apart: async (how) => (await import('./cli/proof/apart.ts')).apartJob(how),
};

const COMMANDS: Commands = {
  run: async (passage) => (await import('./cli/run/command.ts')).run(passage),
  init: async (passage) => {
    const { stdin, stdout } = process;
    return (await import('./cli/init/command.ts')).init({ passage, stdin, stdout });
  },
  status: async () => (await import('./cli/status/command.ts')).run,
  check: async (passage) => (await import('./cli/checks/command.ts')).check(passage),
  reprovision: async () => (await import('./cli/request/ask.ts')).run,
  roll: async () => (await import('./cli/request/ask.ts')).run,
  csr: async () => (await import('./cli/request/csr.ts')).run,
  install: async () => (await import('./cli/request/install.ts')).install(process.stdin),
  tpm: async () => (await import('./cli/tpm.ts')).run,
  'uplink add': async () => (await import('./cli/uplink/add.ts')).uplinkAdd(),
  'uplink list': async () => (await import('./cli/uplink/list.ts')).run,
  'uplink show': async () => (await import('./cli/uplink/show.ts')).uplinkShow(),
  'uplink set': async () => (await import('./cli/uplink/set.ts')).uplinkSet(),
  'uplink forget': async () => (await import('./cli/uplink/forget.ts')).uplinkForget(),
  'uplink remove': async () => (await import('./cli/uplink/remove.ts')).uplinkRemove(process.stdin),
  'support-bundle': async () => (await import('./cli/bundle/command.ts')).supportBundle(thisProgram()),
  decommission: async (passage) =>
    (await import('./cli/decommission/command.ts')).decommission({ passage, stdin: process.stdin }),
  config: async () => (await import('./cli/config.ts')).run,
  version: async () => (await import('./cli/version.ts')).run,
};

program(COMMANDS, JOBS);
