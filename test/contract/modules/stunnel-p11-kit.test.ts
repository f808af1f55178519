import { remoteToken } from './p11-kit.ts';
import { stunnelContract } from './stunnel.ts';

stunnelContract('p11-kit remoting', remoteToken);
