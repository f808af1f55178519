import { tokenContract } from '../token/suite.ts';
import { opencryptoki } from './opencryptoki.ts';

tokenContract(await opencryptoki());
