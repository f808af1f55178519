import type { Jobs } from './job.ts';

/** What hsm/ has done in processes of their own. */
export const TOKEN_JOBS: Jobs = {
  destroy: async () => (await import('./destroy.ts')).destroyJob,
  async tpm(device = '') {
    // tss.js 2.0.0 calls `new Buffer` (DEP0005), which would be told on the stderr of each command.
    process.noDeprecation = true;
    return (await import('./tpm/serve.ts')).tpmJob(device);
  },
};
