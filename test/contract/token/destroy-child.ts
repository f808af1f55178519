// The process that destroyInChild starts in these tests, as `newleaf internal-destroy-key` is in the daemon.
import { destroyFromStdin } from '../../../hsm/destroy.ts';

await destroyFromStdin(process.stdin, process.stdout);
