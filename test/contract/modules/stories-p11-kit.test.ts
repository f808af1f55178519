import { remoteToken } from './p11-kit.ts';
import { storyContract } from './stories.ts';

storyContract('p11-kit remoting', remoteToken);
