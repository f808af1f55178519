import type { Jobs } from './job.ts';

export const TOKEN_JOBS: Jobs = {
  anew: async () => (await import('./anew.ts')).anewJob,
  destroy: async () => (await import('./destroy.ts')).destroyJob,
  token: async () => (await import('./token-apart.ts')).tokenJob(),
  async tpm(device = '') {
    // tss.js 2.0.0 calls `new Buffer` (DEP0005), and node would warn on the stderr of each command.
    process.noDeprecation = true;
    return (await import('./tpm/serve.ts')).tpmJob(device);
  },
};
