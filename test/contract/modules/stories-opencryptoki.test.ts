import { opencryptoki } from './opencryptoki.ts';
import { storyContract } from './stories.ts';

storyContract('opencryptoki', opencryptoki);
