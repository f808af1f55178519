// The process that destroyKey starts in these tests, as `newleaf internal-work destroy` is in the daemon.
import { destroyJob } from '../../../hsm/destroy.ts';
import { serve } from '../../../hsm/job.ts';

serve(destroyJob);
