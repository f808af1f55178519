// The process that destroyKey, rehearsedAnew and tokenApart start in these tests, as `newleaf internal-work NAME` is in the daemon.
import { anewJob } from '../../../hsm/anew.ts';
import { destroyJob } from '../../../hsm/destroy.ts';
import { serve } from '../../../hsm/job.ts';
import { tokenJob } from '../../../hsm/token-apart.ts';

const name = process.argv.at(-1);
serve(name === 'anew' ? anewJob : name === 'token' ? tokenJob() : destroyJob);
