import { cutLoginContract } from '../token/cut-logins.ts';
import { opencryptoki } from './opencryptoki.ts';

cutLoginContract(opencryptoki, () => '/var/lib/opencryptoki/swtok/NVTOK.DAT');
