import { opencryptoki } from './opencryptoki.ts';
import { stunnelContract } from './stunnel.ts';

stunnelContract('opencryptoki', opencryptoki);
