// The process that destroyKey and rehearsedAnew start in these tests, as `newleaf internal-work NAME` is in the daemon.
import { anewJob } from '../../../hsm/anew.ts';
import { destroyJob } from '../../../hsm/destroy.ts';
import { serve } from '../../../hsm/job.ts';

serve(process.argv.at(-1) === 'anew' ? anewJob : destroyJob);
